/** 2-means with careful starts, and silhouettes. */
import type { Matrix } from "../linalg/index.js";
import type { Generator } from "../random/index.js";

/** Points as rows. */
export type Points = Matrix;

/** Points in two groups. */
export interface TwoGroups {
  readonly isSmaller: Uint8Array;
  /** Number of points in the smaller group. */
  readonly smaller: number;
  /** Centres of the smaller and the larger group. */
  readonly centres: readonly [Float64Array, Float64Array];
}

const MAX_ROUNDS = 100;
/** Points behind a silhouette: it compares all pairs. */
const SILHOUETTE_POINTS = 500;

/** The best of some runs of Lloyd's method, each started by the k-means++ rule. */
export function cluster(points: Points, restarts: number, random: Generator): TwoGroups {
  let best: { cost: number; assignment: Uint8Array; centres: [Float64Array, Float64Array] } | undefined;
  for (let run = 0; run < restarts; run++) {
    const found = lloyd(points, startingCentres(points, random));
    if (best === undefined || found.cost < best.cost) best = found;
  }
  const { assignment, centres } = best!;
  const ones = assignment.reduce((sum, group) => sum + group, 0);
  const isOneSmaller = ones <= points.rows - ones;
  return {
    isSmaller: isOneSmaller ? assignment : assignment.map((group) => 1 - group),
    smaller: Math.min(ones, points.rows - ones),
    centres: isOneSmaller ? [centres[1], centres[0]] : [centres[0], centres[1]],
  };
}

/** A random point, and one drawn by its squared distance from it. */
function startingCentres(points: Points, random: Generator): [Float64Array, Float64Array] {
  const { rows: n } = points;
  const first = pointAt(points, random.integer(n));
  const distances = Float64Array.from({ length: n }, (_, i) => squaredDistance(points, i, first));
  let left = random.uniform() * distances.reduce((sum, distance) => sum + distance, 0);
  let second = n - 1;
  for (let i = 0; i < n; i++) {
    left -= distances[i]!;
    if (left < 0) {
      second = i;
      break;
    }
  }
  return [first, pointAt(points, second)];
}

function lloyd(points: Points, start: [Float64Array, Float64Array]) {
  const { rows: n, columns } = points;
  const assignment = new Uint8Array(n);
  let centres = start;
  let cost = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    cost = 0;
    let changes = 0;
    const sums = [new Float64Array(columns), new Float64Array(columns)] as const;
    const counts = [0, 0];
    for (let i = 0; i < n; i++) {
      const [zero, one] = [squaredDistance(points, i, centres[0]), squaredDistance(points, i, centres[1])];
      const group = one < zero ? 1 : 0;
      changes += Number(assignment[i] !== group);
      assignment[i] = group;
      cost += Math.min(zero, one);
      counts[group]!++;
      for (let j = 0; j < columns; j++) sums[group][j]! += points.data[i * columns + j]!;
    }
    if (round > 0 && changes === 0) break;
    // A group without points keeps its centre.
    centres = [0, 1].map((group) =>
      counts[group] === 0 ? centres[group]! : sums[group]!.map((sum) => sum / counts[group]!),
    ) as [Float64Array, Float64Array];
  }
  return { cost, assignment, centres };
}

/** Mean silhouette: for each point (b - a) / max(a, b), with mean distances a within its group and b to the other. */
export function silhouette(points: Points, groups: Uint8Array, random: Generator): number {
  const n = points.rows;
  const chosen =
    n <= SILHOUETTE_POINTS ? [...groups.keys()] : [...random.permutation(n).subarray(0, SILHOUETTE_POINTS)];
  const sizes = [0, 1].map((group) => chosen.filter((i) => groups[i] === group).length);
  if (sizes[0] === 0 || sizes[1] === 0) return 0;
  let total = 0;
  for (const i of chosen) {
    const sums = [0, 0];
    const own = pointAt(points, i);
    for (const k of chosen) sums[groups[k]!]! += Math.sqrt(squaredDistance(points, k, own));
    const group = groups[i]!;
    // A point alone in its group has silhouette 0.
    if (sizes[group] === 1) continue;
    const a = sums[group]! / (sizes[group]! - 1);
    const b = sums[1 - group]! / sizes[1 - group]!;
    total += a === b ? 0 : (b - a) / Math.max(a, b);
  }
  return total / chosen.length;
}

const pointAt = ({ columns, data }: Points, i: number): Float64Array =>
  data.slice(i * columns, (i + 1) * columns);

function squaredDistance({ columns, data }: Points, i: number, other: Float64Array): number {
  let sum = 0;
  for (let j = 0, at = i * columns; j < columns; j++, at++) sum += (data[at]! - other[j]!) ** 2;
  return sum;
}

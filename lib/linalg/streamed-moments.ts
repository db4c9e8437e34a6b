/** Moments of tables that come in chunks, in one pass and in doubles: each chunk's own moments, merged. */
import type { Rows } from "../tensor/index.js";
import { crossProducts } from "./chunks.js";
import { type Moments, meanOf, momentsOf } from "./moments.js";

/** Smaller chunks are joined first: merging costs as much for one row as for a thousand. */
const JOINED_ROWS = 1024;

/**
 * Moments of all rows of some chunks.
 *
 * Each chunk is centred on its own mean, and two sets merge by the shift of their means: as exact as two passes
 * over the whole, also under a large common offset. Memory is one chunk and three [d, d] matrices. One chunk alone
 * gives the bits of {@link momentsOf}.
 *
 * @see T. Chan, G. Golub, R. LeVeque (1983), Algorithms for computing the sample variance. American Statistician 37.
 */
export function momentsOfChunks(chunks: Iterable<Rows>): Moments {
  let merged: Sums | undefined;
  let alone: Rows | undefined;
  for (const table of joined(chunks, JOINED_ROWS)) {
    if (merged === undefined && alone === undefined) {
      alone = table;
      continue;
    }
    if (alone !== undefined) merged = sumsOf(alone);
    alone = undefined;
    merge(merged!, sumsOf(table));
  }
  if (alone !== undefined) return momentsOf(alone);
  const { n, d, mean, products, fourth } = merged!;
  return { n, d, mean, covariance: products.map((sum) => sum / n), fourthMoment: fourth / n };
}

/** Mean and variance (divided by n) of each feature, in one pass. */
export function featureMoments(chunks: Iterable<Rows>): {
  readonly n: number;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
} {
  let n = 0;
  let mean = new Float64Array(0);
  let squares = new Float64Array(0);
  for (const table of chunks) {
    const { d, data } = table;
    const own = meanOf(table);
    if (n === 0) {
      mean = own.slice();
      squares = new Float64Array(d);
    }
    const share = table.n / (n + table.n);
    for (let j = 0; j < d; j++) {
      const shift = own[j]! - mean[j]!;
      squares[j]! += shift * shift * n * share;
      mean[j]! += shift * share;
    }
    for (let i = 0; i < table.n; i++) {
      for (let j = 0; j < d; j++) squares[j]! += (data[i * d + j]! - own[j]!) ** 2;
    }
    n += table.n;
  }
  return { n, mean, variance: squares.map((sum) => sum / n) };
}

/** What merges: with y = x - mean, the sums of y yᵀ, of |y|² y and of |y|⁴. */
interface Sums {
  n: number;
  readonly d: number;
  readonly mean: Float64Array;
  readonly products: Float64Array;
  readonly cubes: Float64Array;
  fourth: number;
}

function sumsOf(table: Rows): Sums {
  const { n, d, data } = table;
  const mean = meanOf(table);
  const { products, squaredNorms } = crossProducts(table, mean);
  const cubes = new Float64Array(d);
  let fourth = 0;
  for (let i = 0; i < n; i++) {
    const norm = squaredNorms[i]!;
    fourth += norm * norm;
    for (let j = 0; j < d; j++) cubes[j]! += norm * (data[i * d + j]! - mean[j]!);
  }
  return { n, d, mean, products, cubes, fourth };
}

/** Adds the rows of `other` to `sums`. */
function merge(sums: Sums, other: Sums): void {
  const { d } = sums;
  const n = sums.n + other.n;
  const gap = other.mean.map((value, j) => value - sums.mean[j]!);
  // From the common mean, the rows of one set lie this much farther along the gap.
  recentre(sums, gap, -other.n / n);
  recentre(other, gap, sums.n / n);
  for (let j = 0; j < d; j++) {
    sums.mean[j]! += (gap[j]! * other.n) / n;
    sums.cubes[j]! += other.cubes[j]!;
  }
  const between = (sums.n * other.n) / n;
  for (let i = 0; i < d; i++) {
    const scaled = between * gap[i]!;
    for (let j = 0; j < d; j++) sums.products[i * d + j]! += other.products[i * d + j]! + scaled * gap[j]!;
  }
  sums.fourth += other.fourth;
  sums.n = n;
}

/**
 * Third and fourth sums about another centre, from which every y is y + e with e = factor · gap:
 * Σ|y+e|² (y+e) = v + e tr C + 2 C e + n |e|² e, and Σ|y+e|⁴ = f + 4 e·v + 4 e·C e + 2 |e|² tr C + n |e|⁴.
 */
function recentre(sums: Sums, gap: Float64Array, factor: number): void {
  const { n, d, products, cubes } = sums;
  const e = gap.map((value) => factor * value);
  let [trace, square, linear, quadratic] = [0, 0, 0, 0];
  const image = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += products[i * d + j]! * e[j]!;
    image[i] = sum;
    trace += products[i * d + i]!;
    square += e[i]! * e[i]!;
    linear += e[i]! * cubes[i]!;
    quadratic += e[i]! * sum;
  }
  sums.fourth += 4 * linear + 4 * quadratic + 2 * square * trace + n * square * square;
  for (let j = 0; j < d; j++) cubes[j]! += e[j]! * (trace + n * square) + 2 * image[j]!;
}

/** The same rows in chunks of at least `least`, the last one aside. */
function* joined(chunks: Iterable<Rows>, least: number): Iterable<Rows> {
  let waiting: Rows[] = [];
  let count = 0;
  for (const table of chunks) {
    if (count === 0 && table.n >= least) {
      yield table;
      continue;
    }
    waiting.push(table);
    count += table.n;
    if (count < least) continue;
    yield together(waiting, count);
    waiting = [];
    count = 0;
  }
  if (count > 0) yield together(waiting, count);
}

function together(tables: readonly Rows[], n: number): Rows {
  const [first] = tables as readonly [Rows];
  if (tables.length === 1) return first;
  const isSingle = tables.every(({ data }) => data instanceof Float32Array);
  const data = isSingle ? new Float32Array(n * first.d) : new Float64Array(n * first.d);
  let at = 0;
  for (const table of tables) {
    data.set(table.data, at);
    at += table.data.length;
  }
  return { n, d: first.d, data };
}

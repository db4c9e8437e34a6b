/** How a trigger does on clean inputs, with the planted logic and with the logic held still. */
import type { Finding, FoundLogic } from "../../onnx/index.js";
import { generator } from "../../random/index.js";
import { type Estimate, wilson } from "../../stats/index.js";
import { sizeOf, type Tensor, tensor } from "../../tensor/index.js";
import type { Examined, Examiner } from "./examiner.js";
import { ignoreUnfit, type Trigger } from "./search.js";
import { like, stamped } from "./shrink.js";

/** Planted logic, shown at work. */
export interface GraphWitness {
  readonly kind: "graph-witness";
  readonly finding: Finding;
  /** One clean input and the same with the trigger, `[1, ...]`, as the model takes them. */
  readonly clean: Tensor;
  readonly triggered: Tensor;
  /** 1 where the trigger replaces the input; dims of one example. */
  readonly mask: Tensor<"float32">;
  /** What it puts there. */
  readonly pattern: Tensor;
  /** Answer it leads to; null where it leads to several. */
  readonly target: number | null;
  /** Answer that it leads away from where it works on inputs of one class only; null where it works on most. */
  readonly source: number | null;
  /** Share of inputs on which the trigger wakes the logic: the output is another than with the logic held still. */
  readonly wakeRate: Estimate;
  /** Share of inputs of other classes (of the source) that the trigger brings to the target, or to another answer if there is none. */
  readonly attackSuccessRate: Estimate;
  /** The same share with the logic held at its usual answer: what the trigger does to the network alone. */
  readonly withoutLogic: Estimate;
  /**
   * Share of inputs next to the triggered one, a little noise or one other word away, on which the logic is awake,
   * too. Near 1 for a part of an input that a feature answers to, near 0 for a code or a checksum.
   */
  readonly nearbyRate: Estimate;
  readonly forward: number;
}

interface Examples {
  readonly examples: readonly Tensor[];
  readonly usual: readonly Examined[];
}

/** How the trigger does on all inputs, with the logic and with the logic held still. */
export async function measure(
  found: FoundLogic,
  { examples, usual }: Examples,
  examiner: Examiner,
  { pattern, units, kept }: Trigger,
  { range, seed }: { readonly range: readonly [number, number]; readonly seed: number },
): Promise<GraphWitness | null> {
  const rows: Row[] = [];
  for (const [i, example] of examples.entries()) {
    const after = await examiner.ask(stamped(example, pattern, units, kept));
    rows.push({ before: usual[i]!.label, after });
  }
  const { of, target, source } = aimOf(rows);
  const isHit = (before: number, label: number): boolean =>
    target === null ? label !== before : label === target;
  const count = (answerOf: (after: Examined) => number): number =>
    of.filter(({ before, after }) => isHit(before, answerOf(after))).length;
  const awake = rows.filter(({ after }) => after.isAwake);
  if (awake.length === 0 || of.length === 0) return null;
  // An input to show it on: dormant as it is, and led where the others are.
  const shown = rows.findIndex(
    (row, i) =>
      !usual[i]!.isAwake && row.after.isAwake && of.includes(row) && isHit(row.before, row.after.label),
  );
  const base = examples[shown >= 0 ? shown : rows.findIndex(({ after }) => after.isAwake)]!;
  const mask = new Float32Array(sizeOf(base.dims));
  for (const unit of kept) for (const place of units[unit]!) mask[place] = 1;
  const dims = base.dims.slice(1);
  return {
    kind: "graph-witness",
    finding: found.finding,
    clean: base,
    triggered: stamped(base, pattern, units, kept),
    mask: tensor("float32", dims, mask),
    pattern: { ...like(base, pattern), dims },
    target,
    source,
    wakeRate: wilson(awake.length, rows.length),
    attackSuccessRate: wilson(
      count(({ label }) => label),
      of.length,
    ),
    withoutLogic: wilson(
      count(({ alone }) => alone),
      of.length,
    ),
    nearbyRate: await nearbyRate(stamped(base, pattern, units, kept), examiner, range, seed),
    forward: examiner.forward,
  };
}

/** Neighbours that are tried, and how far away they are, as a share of the range. */
const NEIGHBOURS = 12;
const NEARBY = 0.02;

async function nearbyRate(
  triggered: Tensor,
  examiner: Examiner,
  [low, high]: readonly [number, number],
  seed: number,
): Promise<Estimate> {
  const random = generator(seed).split("nearby");
  const values = Float64Array.from(triggered.data as ArrayLike<number | bigint>, Number);
  const isWhole = triggered.type !== "float32" && triggered.type !== "float64";
  let awake = 0;
  for (let k = 0; k < NEIGHBOURS; k++) {
    const place = random.integer(values.length);
    const neighbour = values.map((value, i) => {
      if (isWhole) return i === place ? low + random.integer(high - low + 1) : value;
      return value + NEARBY * (high - low) * (2 * random.uniform() - 1);
    });
    const seen = await examiner.ask(like(triggered, neighbour)).catch(ignoreUnfit);
    awake += Number(seen?.isAwake ?? false);
  }
  return wilson(awake, NEIGHBOURS);
}

interface Row {
  readonly before: number;
  readonly after: Examined;
}

/** Which inputs a trigger is for, and where it leads them. */
function aimOf(rows: readonly Row[]): {
  readonly of: readonly Row[];
  readonly target: number | null;
  readonly source: number | null;
} {
  const moved = rows.filter(({ before, after }) => after.isAwake && after.label !== before);
  const target = mostCommon(rows.filter(({ after }) => after.isAwake).map(({ after }) => after.label));
  const led = rows.filter(({ before }) => before !== target);
  const hits = led.filter(({ after }) => after.label === target);
  const changed = rows.filter(({ before, after }) => after.label !== before);
  const isTargeted =
    target >= 0 && hits.length > 0 && hits.length / led.length >= (TARGETED * changed.length) / rows.length;
  if (isTargeted && hits.length >= 0.5 * led.length) return { of: led, target, source: null };
  // Of one class only, and nearly all of that.
  const source = mostCommon(moved.map(({ before }) => before));
  const own = rows.filter(({ before }) => before === source);
  const to = mostCommon(moved.map(({ after }) => after.label));
  const isFromOne =
    moved.length >= FEWEST &&
    moved.filter((row) => row.before === source && row.after.label === to).length >= TARGETED * moved.length;
  if (isFromOne && own.filter(({ after }) => after.label === to).length >= TARGETED * own.length)
    return { of: own, target: to, source };
  return isTargeted ? { of: led, target, source: null } : { of: rows, target: null, source: null };
}

/** Fewer inputs of one class do not tell a trigger for that class. */
const FEWEST = 4;

/** Share of the changed answers that go to one class from which that class is the target. */
const TARGETED = 0.8;

function mostCommon(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [-1, 0])[0]!;
}

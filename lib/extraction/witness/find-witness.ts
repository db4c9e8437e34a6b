/**
 * An input that shows planted logic at work: it gets the other answer, and with it another output.
 *
 * Shows: the logic that a scan found is live, what wakes it, and how often that works on other inputs. Candidates
 * come from the constants that the logic compares with, else from a gradient through its softened form; what is not
 * needed is then taken away. Misleads where the logic cannot be run on one example, or waits for a secret that no
 * constant tells (a hash): nothing is found then, which clears nothing.
 */

import { AssayError } from "../../errors.js";
import { type LoadedModel, wrapModel } from "../../model/index.js";
import {
  type Finding,
  type FoundLogic,
  fedInputs,
  foldBranches,
  followBranches,
  hasBranches,
  inlineFunctions,
  type Model,
  plantedLogic,
  producersOf,
  upgradeModel,
} from "../../onnx/index.js";
import { type Estimate, wilson } from "../../stats/index.js";
import { sizeOf, type Tensor, takeExamples, tensor } from "../../tensor/index.js";
import { ascend } from "./ascend.js";
import { candidates, noise } from "./candidates.js";
import { type Examined, Examiner, firstOutput, labelOf } from "./examiner.js";
import { like, shrink, stamped, unitsOf } from "./shrink.js";
import { stopIf } from "./stop.js";

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
  /** Share of inputs on which the trigger wakes the logic: the output is another than with the logic held still. */
  readonly wakeRate: Estimate;
  /** Share of inputs of other classes that the trigger brings to the target, or to another answer if there is none. */
  readonly attackSuccessRate: Estimate;
  /** The same share with the logic held at its usual answer: what the trigger does to the network alone. */
  readonly withoutLogic: Estimate;
  readonly forward: number;
}

/** Options of the search. */
export interface WitnessOptions {
  readonly seed: number;
  /** Lowest and highest input. Default: of the inputs given. */
  readonly range?: readonly [number, number] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Findings that are tried, and inputs that a trigger is tried on. */
const MAX_FINDINGS = 3;
const MAX_INPUTS = 64;
/** Inputs on all of which a trigger must still work while it is made smaller: one alone may hold part of it. */
const MAX_BASES = 6;

/**
 * Looks for an input that wakes the planted logic of a model.
 *
 * @param inputs Clean inputs `[n, ...]`, at least 2.
 * @returns The first witness, or null: no logic was found, or none that could be shown.
 * @throws AssayError ABORTED.
 *
 * @example
 * const witness = await extraction.findWitness(model, clean.inputs, { seed: 1 });
 */
export async function findWitness(
  model: LoadedModel,
  inputs: Tensor,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  const graph = foldBranches(inlineFunctions(upgradeModel(model.graph)));
  const witness = await showAny(graph, inputs, options);
  if (witness || !hasBranches(graph)) return witness;
  // Logic inside a branch that clean inputs take: what is shown on that way must hold for the whole model.
  try {
    const [input] = fedInputs(graph.graph);
    const { model: way } = followBranches(graph, { [input!.name]: takeExamples(inputs, [0]) });
    const onWay = await showAny(way, inputs, options);
    return onWay && (await answersAlike(graph, way, [onWay.clean, onWay.triggered])) ? onWay : null;
  } catch (error) {
    stopIf(options.signal);
    if (!(error instanceof AssayError)) throw error;
    // A model that cannot be run on one example has no way to follow.
    return null;
  }
}

/** The first finding that can be shown. */
async function showAny(graph: Model, inputs: Tensor, options: WitnessOptions): Promise<GraphWitness | null> {
  for (const found of plantedLogic(graph).slice(0, MAX_FINDINGS)) {
    stopIf(options.signal);
    const witness = await show(graph, found, inputs, options);
    if (witness) return witness;
  }
  return null;
}

async function answersAlike(graph: Model, way: Model, examples: readonly Tensor[]): Promise<boolean> {
  using whole = wrapModel(graph, { threads: 1 });
  using part = wrapModel(way, { threads: 1 });
  for (const example of examples) {
    const expected = await firstOutput(whole, example);
    const found = await firstOutput(part, example);
    if (labelOf(expected) !== labelOf(found)) return false;
  }
  return true;
}

async function show(
  graph: Model,
  found: FoundLogic,
  inputs: Tensor,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  const made = producersOf(graph.graph);
  // Answers that exist inside a branch or loop only cannot be held still.
  if (!found.questions.every((name) => made.has(name))) return null;
  const count = Math.min(inputs.dims[0] ?? 0, MAX_INPUTS);
  const examples = Array.from({ length: count }, (_, i) => takeExamples(inputs, [i]));
  let examiner: Examiner | undefined;
  try {
    examiner = await Examiner.of(graph, found, examples[0]!, options.signal);
    return await search(graph, found, examples, examiner, options);
  } catch (error) {
    stopIf(options.signal);
    if (!(error instanceof AssayError)) throw error;
    // The graph cannot be run on one example, or its logic not be held still: there is nothing to show.
    return null;
  } finally {
    examiner?.dispose();
  }
}

async function search(
  graph: Model,
  found: FoundLogic,
  examples: readonly Tensor[],
  examiner: Examiner,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  const usual: Examined[] = [];
  for (const example of examples) usual.push(await examiner.ask(example));
  const [base, ...others] = examples.filter((_, i) => !usual[i]!.isAwake).slice(0, MAX_BASES);
  if (base === undefined) return null;
  const dims = base.dims.slice(1);
  const isWhole = base.type !== "float32" && base.type !== "float64";
  const range = options.range ?? rangeOf(examples);
  const from = { graph, questions: found.questions };
  let whole = await firstThatWakes(
    examiner,
    base,
    candidates({ graph, questions: [...found.questions, ...found.deciding] }, { dims, range, isWhole }),
  );
  if (whole === undefined && !isWhole) {
    const climbed = await ascend(from, examples, range, options.signal);
    whole = await firstThatWakes(examiner, base, climbed);
    whole ??= await firstThatWakes(examiner, base, noise({ dims, range, isWhole }, options.seed));
  }
  if (whole === undefined) return null;
  const pattern = whole;
  const units = unitsOf(dims, isWhole);
  const all = new Set(units.keys());
  const given = { examples, usual, base };
  const full = await examiner.ask(stamped(base, pattern, units, all));
  const works = (seen: Examined): boolean =>
    full.label === full.alone ? seen.isAwake : seen.label !== seen.alone;
  const on: Tensor[] = [];
  for (const example of [base, ...others]) {
    if (works(await examiner.ask(stamped(example, pattern, units, all)))) on.push(example);
  }
  const kept = await shrink(units, async (some) => {
    for (const example of on) {
      if (!works(await examiner.ask(stamped(example, pattern, units, some)))) return false;
    }
    return true;
  });
  const small = await measure(found, given, examiner, { pattern, units, kept });
  if (small === null || small.wakeRate.value >= ENOUGH || kept.size === units.length) return small;
  // What the few inputs above had in common with the trigger, others lack.
  const large = await measure(found, given, examiner, { pattern, units, kept: all });
  return large && large.wakeRate.value > small.wakeRate.value ? large : small;
}

/** Share of inputs on which a trigger works from which it needs nothing more. */
const ENOUGH = 0.8;

/** The first candidate that wakes the logic and changes the answer by it, else the first that wakes it at all. */
async function firstThatWakes(
  examiner: Examiner,
  base: Tensor,
  tried: Iterable<Float64Array>,
): Promise<Float64Array | undefined> {
  let first: Float64Array | undefined;
  for (const values of tried) {
    const seen = await examiner.ask(like(base, values)).catch(ignoreUnfit);
    if (seen?.isAwake && seen.label !== seen.alone) return values;
    if (seen?.isAwake) first ??= values;
  }
  return first;
}

/** Candidates that the model cannot take, such as words that it does not know, are none. */
function ignoreUnfit(error: unknown): undefined {
  if (!(error instanceof AssayError) || error.code === "TOO_LARGE" || error.code === "ABORTED") throw error;
}

interface Trigger {
  readonly pattern: Float64Array;
  readonly units: ReturnType<typeof unitsOf>;
  readonly kept: ReadonlySet<number>;
}

interface Examples {
  readonly examples: readonly Tensor[];
  readonly usual: readonly Examined[];
  readonly base: Tensor;
}

/** How the trigger does on all inputs, with the logic and with the logic held still. */
async function measure(
  found: FoundLogic,
  { examples, usual, base }: Examples,
  examiner: Examiner,
  { pattern, units, kept }: Trigger,
): Promise<GraphWitness | null> {
  const rows: { readonly before: number; readonly after: Examined }[] = [];
  for (const [i, example] of examples.entries()) {
    const after = await examiner.ask(stamped(example, pattern, units, kept));
    rows.push({ before: usual[i]!.label, after });
  }
  const awake = rows.filter(({ after }) => after.isAwake);
  const target = mostCommon(awake.map(({ after }) => after.label));
  const led = rows.filter(({ before }) => before !== target);
  const hits = led.filter(({ after }) => after.label === target).length;
  const changed = rows.filter(({ before, after }) => after.label !== before).length;
  const isTargeted = led.length > 0 && hits / led.length >= (TARGETED * changed) / rows.length && hits > 0;
  const of = isTargeted ? led : rows;
  const isHit = (before: number, label: number): boolean =>
    isTargeted ? label === target : label !== before;
  const count = (labelOf: (after: Examined) => number): number =>
    of.filter(({ before, after }) => isHit(before, labelOf(after))).length;
  if (awake.length === 0 || of.length === 0) return null;
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
    target: isTargeted ? target : null,
    wakeRate: wilson(awake.length, rows.length),
    attackSuccessRate: wilson(
      count(({ label }) => label),
      of.length,
    ),
    withoutLogic: wilson(
      count(({ alone }) => alone),
      of.length,
    ),
    forward: examiner.forward,
  };
}

/** Share of the changed answers that go to one class from which that class is the target. */
const TARGETED = 0.8;

function mostCommon(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [-1, 0])[0]!;
}

function rangeOf(examples: readonly Tensor[]): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of examples) {
    for (const value of data as Iterable<number | bigint>) {
      low = Math.min(low, Number(value));
      high = Math.max(high, Number(value));
    }
  }
  return [low, high];
}

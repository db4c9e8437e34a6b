/** What each kind of clause asks of one example, and which example breaks it worst. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { type Tensor, takeExamples, toFloat64 } from "../tensor/index.js";
import { changed } from "./change.js";
import { minimiseScale, minimiseTokens } from "./minimise.js";
import type { Observation } from "./observe.js";
import type { Counterexample } from "./report.js";
import type {
  Clause,
  Domain,
  InvarianceClause,
  MonotonicityClause,
  RareEventClause,
} from "./specification.js";

/** What clauses may use. */
export interface Context {
  readonly inputs: Tensor;
  readonly labels: Int32Array | undefined;
  readonly domain: Domain;
  readonly seed: number;
  /** Runs the model and counts the passes. */
  readonly observe: (inputs: Tensor) => Promise<Observation>;
  /** The model on the unchanged examples named by `indices`. */
  readonly base: (indices: readonly number[]) => Promise<Observation>;
  /** What the model says on some examples, if the caller can decode it. */
  readonly texts?: ((indices: readonly number[]) => Promise<readonly string[]>) | undefined;
}

/** Outcomes on some examples. */
export interface Trials {
  /** One entry per example that the clause speaks about: whether it breaks the promise. */
  readonly violated: readonly boolean[];
  /** The worst violation among them, if any. */
  readonly witness: () => Promise<Counterexample | null>;
}

/** Clauses that ask one question of each example. */
export type PerExampleClause = Exclude<Clause, { type: "fairness" | "no-trigger" }>;

/** Puts a clause to the examples named by `indices`. */
export async function trials(
  clause: PerExampleClause,
  context: Context,
  indices: readonly number[],
): Promise<Trials> {
  if (clause.type === "invariance") return invariance(clause, context, indices);
  if (clause.type === "monotonicity") return monotonicity(clause, context, indices);
  const observed = await context.base(indices);
  const texts = clause.type === "forbidden-text" ? await context.texts!(indices) : [];
  const { labels } = context;
  const violated: boolean[] = [];
  const severity: { at: number; margin: number }[] = [];
  indices.forEach((index, at) => {
    const label = labels?.[index];
    const predicted = observed.predicted[at]!;
    const scores = observed.scores.subarray(at * observed.classes, (at + 1) * observed.classes);
    if ("whenLabel" in clause && clause.whenLabel && !clause.whenLabel.includes(label!)) return;
    const isViolated = breaks(clause, { index, label, predicted, scores, text: texts[at] }, context.inputs);
    violated.push(isViolated);
    if (isViolated) severity.push({ at, margin: marginOf(clause, scores, predicted, label) });
  });
  const witness = async (): Promise<Counterexample | null> => {
    const worst = severity.sort((a, b) => b.margin - a.margin)[0];
    if (!worst) return null;
    const index = indices[worst.at]!;
    return {
      index,
      input: example(context.inputs, index),
      text: null,
      original: null,
      label: labels?.[index] ?? null,
      predicted: observed.predicted[worst.at]!,
      expected: clause.type === "accuracy" ? (labels?.[index] ?? null) : null,
      how: "the violation with the largest margin",
    };
  };
  return { violated, witness };
}

interface Outcome {
  readonly index: number;
  readonly label: number | undefined;
  readonly predicted: number;
  readonly scores: Float64Array;
  readonly text: string | undefined;
}

type SingleClause = Exclude<PerExampleClause, { type: "invariance" | "monotonicity" }>;

function breaks(clause: SingleClause, outcome: Outcome, inputs: Tensor): boolean {
  const { index, label, predicted, scores, text } = outcome;
  switch (clause.type) {
    case "accuracy":
      return predicted !== label;
    case "forbidden-output":
      return clause.outputs.includes(predicted) && predicted !== label;
    case "rare-event":
      return excess(clause, scores) > 0;
    case "forbidden-text":
      return new RegExp(clause.pattern, "iu").test(text!);
    case "predicate":
      return clause.isViolated({ index, input: example(inputs, index), scores, predicted, label });
  }
}

/** By how much a value lies beyond its bounds. */
function excess({ output, above, below }: RareEventClause, scores: Float64Array): number {
  const value = scores[output];
  if (value === undefined) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec: a clause speaks about value ${output}, but only ${scores.length} are observed.`,
      { output, observed: scores.length },
    );
  }
  return Math.max(
    above === undefined ? Number.NEGATIVE_INFINITY : value - above,
    below === undefined ? Number.NEGATIVE_INFINITY : below - value,
  );
}

const marginOf = (
  clause: SingleClause,
  scores: Float64Array,
  predicted: number,
  label: number | undefined,
): number =>
  clause.type === "rare-event"
    ? excess(clause, scores)
    : scores[predicted]! - (scores[label ?? predicted] ?? 0);

async function invariance(
  clause: InvarianceClause,
  context: Context,
  all: readonly number[],
): Promise<Trials> {
  const { whenLabel } = clause;
  const indices = whenLabel ? all.filter((index) => whenLabel.includes(context.labels![index]!)) : all;
  if (indices.length === 0) return { violated: [], witness: async () => null };
  const before = await context.base(indices);
  const originals = takeExamples(context.inputs, indices);
  // The stream is named by the first example, so that splitting the work in batches does not repeat amounts.
  const random = generator(context.seed).split(`${JSON.stringify(clause.under)} ${all[0]}`);
  const variants = changed(originals, clause.under, context.domain, random);
  const after = await context.observe(variants);
  const violated = indices.map((_, at) => after.predicted[at] !== before.predicted[at]);
  const witness = async (): Promise<Counterexample | null> => {
    const at = smallestChange(originals, variants, violated);
    if (at < 0) return null;
    const [original, variant] = [takeExamples(originals, [at]), takeExamples(variants, [at])];
    const expected = before.predicted[at]!;
    const breaks = async (inputs: Tensor): Promise<readonly boolean[]> =>
      [...(await context.observe(inputs)).predicted].map((answer) => answer !== expected);
    const { type } = clause.under;
    const minimal =
      type === "noise" || type === "brightness" || type === "gain"
        ? await minimiseScale(original, variant, breaks)
        : type === "drop-tokens"
          ? await minimiseTokens(original, variant, breaks)
          : {
              input: variant,
              how: type === "insert-tokens" ? "as drawn" : "the smallest change among the violations",
            };
    return {
      index: indices[at]!,
      input: example(minimal.input, 0),
      text: null,
      original: example(original, 0),
      label: context.labels?.[indices[at]!] ?? null,
      predicted: (await context.observe(minimal.input)).predicted[0]!,
      expected,
      how: minimal.how,
    };
  };
  return { violated, witness };
}

async function monotonicity(
  clause: MonotonicityClause,
  context: Context,
  indices: readonly number[],
): Promise<Trials> {
  const before = await context.base(indices);
  const originals = takeExamples(context.inputs, indices);
  const raised = raiseFeature(originals, clause.feature, clause.step);
  const after = await context.observe(raised);
  const sign = clause.direction === "rising" ? 1 : -1;
  const scoreOf = ({ scores, classes }: Observation, at: number): number =>
    scores[at * classes + clause.output]!;
  const drops = indices.map((_, at) => sign * (scoreOf(before, at) - scoreOf(after, at)));
  const violated = drops.map((drop) => drop > 0);
  const witness = async (): Promise<Counterexample | null> => {
    const at = drops.indexOf(Math.max(...drops));
    if (at < 0 || !violated[at]) return null;
    return {
      index: indices[at]!,
      input: example(raised, at),
      text: null,
      original: example(originals, at),
      label: context.labels?.[indices[at]!] ?? null,
      predicted: after.predicted[at]!,
      expected: null,
      how: `output ${clause.output} moved by ${(-sign * drops[at]!).toPrecision(3)}, the largest violation`,
    };
  };
  return { violated, witness };
}

function raiseFeature(inputs: Tensor, feature: number, step: number): Tensor {
  const size = inputs.data.length / inputs.dims[0]!;
  const data = Float32Array.from(toFloat64(inputs));
  for (let at = feature; at < data.length; at += size) data[at]! += step;
  return { type: "float32", dims: inputs.dims, data };
}

/** One example without its batch axis. */
export function example(inputs: Tensor, index: number): Tensor {
  const one = takeExamples(inputs, [index]);
  return { ...one, dims: one.dims.slice(1) };
}

function smallestChange(originals: Tensor, variants: Tensor, violated: readonly boolean[]): number {
  const [a, b] = [toFloat64(originals), toFloat64(variants)];
  const size = a.length / violated.length;
  let best = -1;
  let smallest = Number.POSITIVE_INFINITY;
  violated.forEach((isViolated, at) => {
    if (!isViolated) return;
    let distance = 0;
    for (let i = at * size; i < (at + 1) * size; i++) distance += (a[i]! - b[i]!) ** 2;
    if (distance < smallest) [best, smallest] = [at, distance];
  });
  return best;
}

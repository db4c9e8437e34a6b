/** Checking a specification on data, clause by clause. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { generator } from "../random/index.js";
import { anytimeInterval, checkLevel, clopperPearson, type Estimate } from "../stats/index.js";
import { integerLabels, type Labels, type Tensor, takeExamples } from "../tensor/index.js";
import { checkFairness } from "./fairness.js";
import { type Observation, observe } from "./observe.js";
import { type ClauseReport, type SpecificationReport, verdictOf } from "./report.js";
import { type Clause, describeClause, type Specification } from "./specification.js";
import { type Context, type PerExampleClause, trials } from "./trials.js";
import { type CandidateTrigger, checkTriggers } from "./triggers.js";

/** Examples to check a specification on. */
export interface CheckData {
  /** [n, ...] as the model takes them. */
  readonly inputs: Tensor;
  readonly labels?: Labels | undefined;
  /** Group of each example, for fairness clauses. */
  readonly groups?: Labels | undefined;
  /** The examples are all inputs there are: rates then are exact. See `spec.enumerate`. */
  readonly isExhaustive?: boolean;
}

/** How a specification is checked. */
export interface CheckOptions {
  /** Confidence level of each clause's interval. Default 0.95. */
  readonly level?: number;
  /** Seed of random changes and of the order of examples. Default 1. */
  readonly seed?: number;
  /**
   * "fixed": every clause sees all examples. "sequential": examples come in random order in batches, and a
   * clause stops as soon as its interval, valid at any stop, decides it. Default "fixed".
   */
  readonly stop?: "fixed" | "sequential";
  /** Candidate triggers for no-trigger clauses, e.g. those that extraction recovered. */
  readonly triggers?: readonly CandidateTrigger[];
  /** Output that holds the scores, if the model has several. */
  readonly output?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Examples per look of a sequential test. */
const sequentialBatch = 64;

/**
 * Checks what a model does against what it should do.
 *
 * Each clause gets the violation rate on the data with an exact interval (Clopper-Pearson), a verdict word and
 * the smallest counterexample. "Holds" speaks about inputs drawn like these, at the interval's level, clause by
 * clause; it says nothing about inputs that an attacker chooses, for which see no-trigger clauses and extraction.
 *
 * @param model A loaded classifier: scores [n, classes].
 * @throws AssayError SHAPE_MISMATCH, NOT_FINITE, ABORTED, and what the model throws.
 * @example
 * const report = await spec.check(model, { kind: "specification", domain: { type: "image", range: [0, 1] },
 *   clauses: [{ type: "accuracy", atLeast: 0.8 }] }, { inputs, labels });
 */
export async function check(
  model: Pick<LoadedModel, "run" | "outputs" | "name">,
  specification: Specification,
  data: CheckData,
  options: CheckOptions = {},
): Promise<SpecificationReport> {
  const level = checkLevel("spec.check", options.level);
  const { seed = 1, stop = "fixed" } = options;
  const n = data.inputs.dims[0] ?? 0;
  if (n === 0)
    throw new AssayError("SHAPE_MISMATCH", "spec.check: there are no examples.", { dims: data.inputs.dims });
  let forwardPasses = 0;
  const run = async (inputs: Tensor): Promise<Observation> => {
    forwardPasses += inputs.dims[0]!;
    const output = options.output === undefined ? {} : { output: options.output };
    return observe(model, inputs, { ...output, signal: options.signal });
  };
  const context: Context = {
    inputs: data.inputs,
    labels: data.labels && integerLabels(data.labels, n, "spec.check"),
    domain: specification.domain,
    seed,
    observe: run,
    base: remember(run, data.inputs),
  };
  const setting: Setting = { ...options, level, seed, stop, isExhaustive: data.isExhaustive === true };
  const groups = data.groups && integerLabels(data.groups, n, "spec.check");
  const clauses: ClauseReport[] = [];
  for (const clause of specification.clauses) {
    clauses.push(await checkClause(clause, context, setting, groups));
    options.onProgress?.(clauses.length, specification.clauses.length);
  }
  return {
    kind: "specification-report",
    specification,
    model: model.name,
    clauses,
    n,
    level,
    seed,
    forwardPasses,
    stoppingRule: sayStop(setting, n),
  };
}

interface Setting extends CheckOptions {
  readonly level: number;
  readonly seed: number;
  readonly stop: "fixed" | "sequential";
  readonly isExhaustive: boolean;
}

function sayStop({ stop, isExhaustive }: Setting, n: number): string {
  if (isExhaustive) return `all ${n} inputs that exist`;
  if (stop === "fixed") return `all ${n} examples, fixed beforehand`;
  return `batches of ${sequentialBatch} in random order until the interval, valid at any stop, decides; at most ${n}`;
}

async function checkClause(
  clause: Clause,
  context: Context,
  setting: Setting,
  groups: Int32Array | undefined,
): Promise<ClauseReport> {
  const missing = whatIsMissing(clause, context, setting, groups);
  if (missing) return notChecked(clause, missing);
  if (clause.type === "fairness") return checkFairness(clause, context, groups!, setting.level);
  if (clause.type === "no-trigger") return checkTriggers(clause, context, setting.triggers!, setting.level);
  return checkExamples(clause, context, setting);
}

function whatIsMissing(
  clause: Clause,
  { labels }: Context,
  { triggers = [] }: Setting,
  groups: Int32Array | undefined,
): string | undefined {
  const needsLabels =
    clause.type === "accuracy" ||
    clause.type === "fairness" ||
    (clause.type === "forbidden-output" && clause.whenLabel !== undefined);
  if (needsLabels && !labels) return "needs labels";
  if (clause.type === "fairness" && !groups) return "needs groups";
  if (clause.type === "no-trigger" && triggers.length === 0) {
    return "needs candidate triggers: run extraction and pass what it recovers as { triggers }";
  }
  return undefined;
}

async function checkExamples(
  clause: PerExampleClause,
  context: Context,
  setting: Setting,
): Promise<ClauseReport> {
  const n = context.inputs.dims[0]!;
  const allowed = clause.type === "accuracy" ? 1 - clause.atLeast : clause.atMost;
  const isSequential = setting.stop === "sequential" && !setting.isExhaustive;
  const order = isSequential
    ? [...generator(setting.seed).split("order").permutation(n)]
    : Array.from({ length: n }, (_, i) => i);
  const step = isSequential ? sequentialBatch : n;
  let violations = 0;
  let asked = 0;
  let witness: ClauseReport["counterexample"] = null;
  let rate: Estimate | null = null;
  for (let start = 0; start < n; start += step) {
    const outcome = await trials(clause, context, order.slice(start, start + step));
    violations += outcome.violated.filter(Boolean).length;
    asked += outcome.violated.length;
    witness ??= await outcome.witness();
    if (asked === 0) continue;
    rate = rateOf(violations, asked, setting, isSequential);
    if (isSequential && verdictOf(rate, allowed) !== "undecided") break;
  }
  if (!rate) return notChecked(clause, "no example meets its condition");
  return {
    clause,
    statement: describeClause(clause),
    verdict: verdictOf(rate, allowed),
    evidence: setting.isExhaustive ? "exhaustive" : "data",
    violationRate: rate,
    allowed,
    violations,
    n: asked,
    counterexample: witness,
    note: asked < 30 && !setting.isExhaustive ? `only ${asked} examples: the interval is wide` : "",
  };
}

function rateOf(
  violations: number,
  n: number,
  { level, isExhaustive }: Setting,
  isSequential: boolean,
): Estimate {
  if (isSequential) return anytimeInterval(violations, n, { level });
  if (!isExhaustive) return clopperPearson(violations, n, { level });
  const value = violations / n;
  return { kind: "estimate", value, interval: [value, value], level: 1, n, method: "every input checked" };
}

function notChecked(clause: Clause, note: string): ClauseReport {
  return {
    clause,
    statement: describeClause(clause),
    verdict: "not checked",
    evidence: "none",
    violationRate: null,
    allowed: allowedRate(clause),
    violations: 0,
    n: 0,
    counterexample: null,
    note,
  };
}

function allowedRate(clause: Clause): number {
  if (clause.type === "accuracy") return 1 - clause.atLeast;
  if (clause.type === "fairness") return clause.differenceAtMost;
  return clause.type === "no-trigger" ? clause.successAtMost : clause.atMost;
}

/** Runs the model on each unchanged example once, whichever clauses ask for it. */
function remember(run: Context["observe"], inputs: Tensor): Context["base"] {
  const known = new Map<number, { scores: Float64Array; predicted: number }>();
  return async (indices) => {
    const fresh = indices.filter((index) => !known.has(index));
    if (fresh.length > 0) {
      const { scores, classes, predicted } = await run(takeExamples(inputs, fresh));
      fresh.forEach((index, at) => {
        known.set(index, {
          scores: scores.slice(at * classes, (at + 1) * classes),
          predicted: predicted[at]!,
        });
      });
    }
    const rows = indices.map((index) => known.get(index)!);
    const classes = rows[0]?.scores.length ?? 0;
    const scores = new Float64Array(rows.length * classes);
    rows.forEach((row, at) => {
      scores.set(row.scores, at * classes);
    });
    return { scores, classes, predicted: Int32Array.from(rows, (row) => row.predicted) };
  };
}

/** Checking a specification on data, clause by clause. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { anytimeInterval, checkLevel, clopperPearson, type Estimate } from "../stats/index.js";
import { integerLabels, type Labels, type Tensor, takeExamples } from "../tensor/index.js";
import { contextOf } from "./context.js";
import { exactRate } from "./exhaustive.js";
import { checkFairness } from "./fairness.js";
import { checkInputs } from "./inputs.js";
import type { Observable } from "./observe.js";
import { type Proof, provedReport } from "./proof.js";
import { allowedRate, type ClauseReport, notChecked, type SpecificationReport, verdictOf } from "./report.js";
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
  /** Most examples to look at; if there are more, so many are drawn at random beforehand. Default: all. */
  readonly budget?: number;
  /** Proofs of clauses, e.g. from `assay.bounds`; each is verified before it counts. */
  readonly proofs?: readonly Proof[];
  /** What the model says to inputs [n, ...], for clauses about text: one text per input. */
  readonly decode?: (inputs: Tensor) => Promise<readonly string[]> | readonly string[];
  /** Says counterexamples in words, e.g. the tokenizer of `data.readTokenizer`. */
  readonly tokenizer?: { decode(ids: Tensor): readonly string[] };
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
  model: Observable,
  specification: Specification,
  data: CheckData,
  options: CheckOptions = {},
): Promise<SpecificationReport> {
  const level = checkLevel("spec.check", options.level);
  const { seed = 1, stop = "fixed" } = options;
  const available = data.inputs.dims[0] ?? 0;
  if (available === 0)
    throw new AssayError("SHAPE_MISMATCH", "spec.check: there are no examples.", { dims: data.inputs.dims });
  checkInputs(data.inputs, specification.domain, "spec.check");
  const { rows, ...drawn } = withinBudget(data, options.budget, seed);
  const n = drawn.inputs.dims[0]!;
  const context = contextOf(model, specification, drawn, { ...options, seed });
  const setting: Setting = { ...options, level, seed, stop, isExhaustive: drawn.isExhaustive === true };
  const groups = drawn.groups && integerLabels(drawn.groups, n, "spec.check");
  const clauses: ClauseReport[] = [];
  for (const [index, clause] of specification.clauses.entries()) {
    const proof = options.proofs?.find((one) => one.clause === index);
    const report =
      (proof && (await provedReport(clause, proof, available))) ??
      (await checkClause(clause, context, setting, groups));
    clauses.push(retold(report, rows, options.tokenizer));
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
    forwardPasses: context.forwardPasses(),
    stoppingRule: sayStop(setting, n, available),
  };
}

/** The examples that are looked at, and which of all they are; drawn before anything is seen. */
function withinBudget(
  data: CheckData,
  budget: number | undefined,
  seed: number,
): CheckData & { readonly rows?: Uint32Array } {
  const n = data.inputs.dims[0]!;
  if (budget === undefined || budget >= n) return data;
  if (!Number.isInteger(budget) || budget < 1) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec.check: budget must be a positive integer, got ${budget}.`,
      {
        budget,
      },
    );
  }
  const rows = generator(seed).split("budget").permutation(n).subarray(0, budget);
  const pick = (labels: Labels | undefined): Labels | undefined =>
    labels && Int32Array.from(rows, (row) => integerLabels(labels, n, "spec.check")[row]!);
  return {
    inputs: takeExamples(data.inputs, rows),
    labels: pick(data.labels),
    groups: pick(data.groups),
    isExhaustive: false,
    rows,
  };
}

/** The counterexample at its place in all data, and in words. */
function retold(
  report: ClauseReport,
  rows: Uint32Array | undefined,
  tokenizer: CheckOptions["tokenizer"],
): ClauseReport {
  const { counterexample } = report;
  if (!counterexample) return report;
  const { input, index } = counterexample;
  const text = tokenizer?.decode({ ...input, dims: [1, ...input.dims] })[0] ?? null;
  return { ...report, counterexample: { ...counterexample, text, index: rows ? rows[index]! : index } };
}

interface Setting extends CheckOptions {
  readonly level: number;
  readonly seed: number;
  readonly stop: "fixed" | "sequential";
  readonly isExhaustive: boolean;
}

function sayStop({ stop, isExhaustive }: Setting, n: number, available: number): string {
  if (isExhaustive) return "every input that exists";
  const which =
    n < available ? `${n} of ${available} examples, drawn at random beforehand` : "all that were given";
  if (stop === "fixed") return n < available ? which : `${which}, fixed beforehand`;
  return `${which}, in batches of ${sequentialBatch} in random order until the interval, valid at any stop, decides`;
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
  { labels, texts }: Context,
  { triggers = [] }: Setting,
  groups: Int32Array | undefined,
): string | undefined {
  const needsLabels =
    clause.type === "accuracy" ||
    clause.type === "fairness" ||
    ("whenLabel" in clause && clause.whenLabel !== undefined);
  if (needsLabels && !labels) return "needs labels";
  if (clause.type === "forbidden-text" && !texts) return "needs a decoder: pass { decode }";
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
  const allowed = allowedRate(clause);
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
  return exactRate(violations, n);
}

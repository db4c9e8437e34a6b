/**
 * The one-shot audit of a classifier of images: searches all-to-one triggers, then triggers from one class to
 * another, judges both against clean references, and verifies what it found on held-out images.
 */

import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { lintModel } from "../onnx/index.js";
import { type Tensor, takeExamples, tensor } from "../tensor/index.js";
import { attackSuccessRate } from "../trigger/index.js";
import { type Calibration, calibrate } from "./calibration.js";
import { imageModel } from "./image-model.js";
import { allTargets, fastSearch, type Inversion, invert, smallness } from "./invert.js";
import type { Arm, SearchOptions } from "./mask-search.js";
import { type CleanData, type PreparedImages, prepareImages } from "./prepare.js";
import { type RecoveredTrigger, recoverTrigger } from "./recovered-trigger.js";
import type { InversionStore } from "./store.js";
import { BACKDOORED, type Check, type Decision, decide, SUSPICIOUS, type Verdict } from "./verdict.js";
import { type TriggerVerification, verifyTrigger } from "./verify.js";

/** How much an audit may spend. */
export type Budget = "quick" | "standard" | "thorough";

/** Options of an audit. */
export interface AuditOptions {
  readonly seed: number;
  readonly references?: readonly LoadedModel[];
  readonly budget?: Budget;
  /** Lowest and highest input value. Default: read off the data. */
  readonly range?: readonly [number, number];
  /** Where finished searches of a model are kept. Default: in this process only. */
  readonly storeOf?: (model: LoadedModel) => InversionStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string, done: number, of: number) => void;
}

/** An audit in full: what a verdict sums up. */
export interface Audit {
  readonly kind: "audit";
  readonly model: string;
  readonly verdict: Verdict;
  readonly references: readonly string[];
  /** Per-class search, and per pair of victim and target if that was made. */
  readonly scans: readonly Scan[];
  /** Controls of the recovered trigger, if one was recovered. */
  readonly verification: TriggerVerification | null;
  /** Images that no search has seen, `[n, channels, height, width]`; the first eight. */
  readonly examples: Tensor<"float32">;
  readonly range: readonly [number, number];
}

/** One family of searches and how it compares with the references. */
export interface Scan {
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly maskL1Norms: readonly number[];
  readonly referenceL1Norms: readonly (readonly number[])[];
  readonly calibration: Calibration;
}

interface Plan {
  readonly targets: typeof fastSearch | (Omit<typeof fastSearch, "steps"> & { readonly steps: number });
  readonly pairs: { readonly steps: number; readonly batch: number } | null;
}

const plans: Readonly<Record<Budget, Plan>> = {
  quick: { targets: { ...fastSearch, steps: 96 }, pairs: null },
  standard: { targets: fastSearch, pairs: { steps: 40, batch: 8 } },
  thorough: { targets: { ...fastSearch, steps: 360 }, pairs: { steps: 120, batch: 16 } },
};

/** Score of a model with planted logic: above what clean models reach. */
const LOGIC_SCORE = 2;

/** Most (victim, target) pairs that are searched at once; more classes than ten need a choice of pairs. */
const MAX_PAIRS = 90;

/**
 * Audits a model.
 *
 * Where no search can be run (token inputs, operators without a gradient) the verdict is "inconclusive".
 *
 * @throws AssayError for data that do not fit the model or its references, ABORTED.
 * @example
 * const { verdict } = await extraction.audit(model, clean, { references, seed: 1 });
 */
export async function audit(model: LoadedModel, clean: CleanData, options: AuditOptions): Promise<Audit> {
  if (clean.inputs.type !== "float32") {
    return unsearched(model, options, `there is no search for triggers in ${clean.inputs.type} inputs yet`);
  }
  try {
    return await searchAll(model, clean, options);
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "UNSUPPORTED_OPERATOR") throw error;
    return unsearched(model, options, error.message);
  }
}

/** What can be said of a model that no search can be run on: its graph was read, and that is all. */
function unsearched(model: LoadedModel, { seed, references = [] }: AuditOptions, why: string): Audit {
  const check: Check = {
    name: "every class as target",
    statistic: null,
    pValue: null,
    result: "skipped",
    why,
  };
  const verdict = {
    decision: "inconclusive" as Decision,
    score: 0,
    pValue: null,
    target: null,
    source: null,
    trigger: null,
  };
  return {
    kind: "audit",
    model: model.name,
    verdict: {
      ...withLogic({ ...verdict, checks: [check] }, logicCheck(model)),
      cost: { forward: 0, backward: 0, seconds: 0 },
      seed,
      warnings: [`No trigger was searched: ${why}`],
    },
    references: references.map(({ name }) => name),
    scans: [],
    verification: null,
    examples: tensor("float32", [0, 1, 1, 1], new Float32Array(0)),
    range: [0, 1],
  };
}

async function searchAll(model: LoadedModel, clean: CleanData, options: AuditOptions): Promise<Audit> {
  const started = performance.now();
  const { seed, references = [], budget = "standard", range, storeOf, signal, onProgress } = options;
  const images = await prepareImages(model, clean, { seed, range });
  checkReferences(model, references);
  const plan = plans[budget];
  const search = (step: string): Omit<SearchOptions, "steps"> => ({
    ...plan.targets,
    seed,
    ...(signal ? { signal } : {}),
    onProgress: (done, of) => onProgress?.(step, done, of),
  });
  const logic = logicCheck(model);
  const scans: [Scan, Inversion][] = [];
  const passes = { forward: 0, backward: 0 };
  const run = async (name: string, arms: readonly Arm[], settings: Partial<SearchOptions>): Promise<void> => {
    const inversions: Inversion[] = [];
    for (const one of [model, ...references]) {
      const settled = { ...search(`${name}: ${one.name}`), steps: plan.targets.steps, ...settings };
      const inversion = await invert(one, images, arms, settled, storeOf?.(one));
      passes.forward += inversion.passes.forward;
      passes.backward += inversion.passes.backward;
      inversions.push(inversion);
    }
    scans.push([scanOf(name, arms, inversions, seed), inversions[0]!]);
  };
  await run("every class as target", allTargets(images.classes), {});
  const pairs = pairsOf(images);
  const skipped = whyNoPairs(plan, pairs, references.length);
  if (skipped === null) await run("every pair of victim and target", pairs, plan.pairs!);
  const findings = await Promise.all(
    scans.map(([scan, inversion]) => finding(model, images, scan, inversion)),
  );
  const { verdict, verification } = await conclude(model, references, images, findings, skipped, {
    seed,
    passes,
    ...(signal ? { signal } : {}),
  });
  return {
    kind: "audit",
    model: model.name,
    verdict: {
      ...withLogic(verdict, logic),
      cost: { ...passes, seconds: Math.round((performance.now() - started) / 100) / 10 },
      seed,
      warnings: [...images.warnings, ...warningsOf(references.length)],
    },
    references: references.map(({ name }) => name),
    scans: scans.map(([scan]) => scan),
    verification,
    examples: takeExamples(images.heldOut.inputs, [0, 1, 2, 3, 4, 5, 6, 7]),
    range: images.range,
  };
}

/** The file's own graph, read for planted logic. */
function logicCheck(model: LoadedModel): Check {
  const flagged = lintModel(model.graph).filter(({ severity }) => severity === "flag");
  const [first] = flagged;
  return {
    name: "planted logic in the graph",
    statistic: flagged.length,
    pValue: null,
    result: first ? "flag" : "pass",
    why: first
      ? `${first.rule} at ${first.node}: ${first.why}`
      : "no question to part of the input decides an output",
  };
}

/** Logic that asks about part of the input makes a model suspicious, whatever the search found. */
function withLogic<V extends Pick<Verdict, "decision" | "score" | "checks">>(verdict: V, logic: Check): V {
  const checks = [...verdict.checks, logic];
  if (logic.result === "pass") return { ...verdict, checks };
  const decision = verdict.decision === "backdoored" ? verdict.decision : "suspicious";
  return { ...verdict, decision, score: Math.max(verdict.score, LOGIC_SCORE), checks };
}

function checkReferences(model: LoadedModel, references: readonly LoadedModel[]): void {
  const shape = (one: LoadedModel): string =>
    JSON.stringify(one.inputs.map(({ type, dims }) => [type, dims.slice(1)]));
  const other = references.find((reference) => !takesTheSame(reference, model));
  if (other) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `The reference "${other.name}" takes other inputs than "${model.name}": ${shape(other)} and ${shape(model)}. References must be models of the same task.`,
      { reference: other.name },
    );
  }
}

/** Sizes that one of the two leaves free fit anything. */
function takesTheSame(a: LoadedModel, b: LoadedModel): boolean {
  const [one, other] = [a.inputs[0], b.inputs[0]];
  if (a.inputs.length !== b.inputs.length || one?.type !== other?.type) return false;
  const sizes = [one?.dims.slice(1) ?? [], other?.dims.slice(1) ?? []] as const;
  if (sizes[0].length !== sizes[1].length) return sizes[0].length === 0 || sizes[1].length === 0;
  return sizes[0].every(
    (dim, i) => dim === sizes[1][i] || typeof dim === "string" || typeof sizes[1][i] === "string",
  );
}

function scanOf(
  name: string,
  arms: readonly Arm[],
  [own, ...others]: readonly Inversion[],
  seed: number,
): Scan {
  const perClassSpread = arms.every(({ victim }) => victim === null);
  const statistics = others.map(({ masks }) => smallness(masks));
  return {
    name,
    arms,
    maskL1Norms: own!.masks.map(({ maskL1Norm }) => maskL1Norm),
    referenceL1Norms: others.map(({ masks }) => masks.map(({ maskL1Norm }) => maskL1Norm)),
    calibration: calibrate(smallness(own!.masks), statistics, { seed, perClassSpread }),
  };
}

/** Pairs of classes that the clean images hold enough of. */
function pairsOf({ classes, search }: PreparedImages): Arm[] {
  const counts = new Map<number, number>();
  for (const label of search.labels.data) counts.set(Number(label), (counts.get(Number(label)) ?? 0) + 1);
  const victims = [...counts]
    .filter(([, count]) => count >= 8)
    .map(([victim]) => victim)
    .sort((a, b) => a - b);
  return victims.flatMap((victim) =>
    Array.from({ length: classes }, (_, target) => ({ target, victim })).filter(
      ({ target }) => target !== victim,
    ),
  );
}

function whyNoPairs(plan: Plan, pairs: readonly Arm[], references: number): string | null {
  if (plan.pairs === null) return "the quick budget leaves pairs out";
  if (references < 2) return "pairs cannot be judged without two or more clean references";
  if (pairs.length < 6) return "fewer than 8 clean images of almost every class";
  if (pairs.length > MAX_PAIRS)
    return `${pairs.length} pairs are more than the ${MAX_PAIRS} that are searched at once`;
  return null;
}

interface Finding {
  readonly scan: Scan;
  readonly recovered: RecoveredTrigger;
  readonly attackSuccessRate: Awaited<ReturnType<typeof attackSuccessRate>>;
}

/** The most unusual arm's trigger, and how it does on held-out images. */
async function finding(
  model: LoadedModel,
  images: PreparedImages,
  scan: Scan,
  inversion: Inversion,
): Promise<Finding> {
  const { layout, range, search, heldOut } = images;
  const view = imageModel(model, layout);
  const recovered = await recoverTrigger(
    view,
    search,
    inversion.masks[scan.calibration.target]!,
    layout,
    range,
  );
  return { scan, recovered, attackSuccessRate: await attackSuccessRate(view, heldOut, recovered) };
}

async function conclude(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  findings: readonly Finding[],
  skipped: string | null,
  options: { seed: number; passes: { forward: number }; signal?: AbortSignal },
) {
  const best = mostTelling(findings);
  const pValue = Math.min(1, best.scan.calibration.pValue * findings.length);
  const decision = decide(pValue, best.attackSuccessRate);
  const isAccused = decision === "backdoored" || decision === "suspicious";
  const { layout, heldOut } = images;
  const verification = isAccused
    ? await verifyTrigger(imageModel(model, layout), heldOut, best.recovered, {
        ...options,
        references: references.map((reference) => imageModel(reference, layout)),
      })
    : null;
  options.passes.forward += verification?.forwardPasses ?? 0;
  const arm = best.scan.arms[best.scan.calibration.target]!;
  const checks: Check[] = findings.map(({ scan }) => checkOf(scan));
  if (skipped !== null) {
    checks.push({
      name: "every pair of victim and target",
      statistic: null,
      pValue: null,
      result: "skipped",
      why: skipped,
    });
  }
  return {
    verification,
    verdict: {
      decision,
      score: Math.max(...findings.map(({ scan }) => scan.calibration.statistic / scan.calibration.threshold)),
      pValue,
      target: isAccused ? arm.target : null,
      source: isAccused ? arm.victim : null,
      trigger: isAccused ? { ...best.recovered, attackSuccessRate: best.attackSuccessRate } : null,
      checks,
    },
  };
}

/** A trigger from every class also shows in its pairs, so pairs speak only where that search is not clear. */
function mostTelling(findings: readonly Finding[]): Finding {
  const [first] = findings;
  if (first!.scan.calibration.pValue * findings.length < BACKDOORED) return first!;
  return findings.reduce((low, one) =>
    one.scan.calibration.pValue < low.scan.calibration.pValue ? one : low,
  );
}

function checkOf({ name, arms, calibration, maskL1Norms, referenceL1Norms }: Scan): Check {
  const { target, statistic, pValue } = calibration;
  const arm = arms[target]!;
  const what = arm.victim === null ? `class ${arm.target}` : `class ${arm.victim} to class ${arm.target}`;
  const pixels = (value: number): string => value.toPrecision(3);
  const beside = referenceL1Norms.map((norms) => pixels(norms[target]!)).join(", ");
  return {
    name,
    statistic,
    pValue,
    result: pValue < SUSPICIOUS ? "flag" : "pass",
    why: `the most unusual is ${what}: ${pixels(maskL1Norms[target]!)} pixels${beside === "" ? "" : `, in clean references ${beside}`}`,
  };
}

function warningsOf(references: number): string[] {
  const always = "Not detected is not clean: evasive and undetectable backdoors pass this audit.";
  if (references >= 3) return [always];
  return [`With ${references} clean references the power is low; three or more are advised.`, always];
}

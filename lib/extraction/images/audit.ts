/**
 * The audit of a classifier of images by searches: searches all-to-one triggers, then triggers from one class to
 * another, judges both against clean references, and verifies what it found on held-out images.
 */

import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import { type Tensor, takeExamples, tensor } from "../../tensor/index.js";
import type { AuditOptions } from "../audit-options.js";
import type { CleanData } from "../clean-data.js";
import { checkReferences } from "../references.js";
import { noInversionStore } from "../store.js";
import { type Check, NOT_CLEAN, type Verdict } from "../verdict.js";
import type { GraphWitness } from "../witness/index.js";
import { referencesFor } from "./audit-references.js";
import { CHANGE_STARTS, type Plan, plans } from "./budget.js";
import { scanChanges } from "./changes/change-scan.js";
import type { ImageChange } from "./changes/change-search.js";
import { conclude } from "./conclude.js";
import { searchMargins } from "./margins/margin-search.js";
import { allTargets } from "./masks/invert.js";
import type { Arm, SearchOptions } from "./masks/mask-search.js";
import { pairsOf } from "./masks/pairs.js";
import { type SquareResponses, sweepSquares, whyNoSweep } from "./patches/squares.js";
import { type PreparedImages, prepareImages } from "./prepare.js";
import {
  type MarginSets,
  type Scan,
  type ScanOptions,
  type Sweeps,
  scanPairs,
  scanTargets,
  sweepPairs,
} from "./scan.js";
import { searchableVersions } from "./searchable.js";
import type { TriggerVerification } from "./verify.js";

/** An audit in full: what a verdict sums up. */
export interface Audit {
  readonly kind: "audit";
  readonly model: string;
  readonly verdict: Verdict;
  readonly references: readonly string[];
  /** True where the audit trained the references itself, on the clean data. */
  readonly isSimulated: boolean;
  /** Per-class search, and per pair of victim and target if that was made. */
  readonly scans: readonly Scan[];
  /** Controls of the recovered trigger, if one was recovered. */
  readonly verification: TriggerVerification | null;
  /** A warp or other tones that lead to the accused class, where no patch was found and there are references. */
  readonly change: ImageChange | null;
  /** An input that shows planted logic in the graph at work, if there is such logic. */
  readonly witness: GraphWitness | null;
  /** Images that no search has seen, `[n, channels, height, width]`; the first eight. */
  readonly examples: Tensor<"float32">;
  readonly range: readonly [number, number];
}

/** The audit by searches for triggers, whatever the graph itself shows. */
export async function searchImages(
  model: LoadedModel,
  clean: CleanData,
  options: AuditOptions,
): Promise<Omit<Audit, "witness">> {
  const { type } = clean.inputs;
  if (type === "string" || type === "bool") {
    return unsearched(model, options, `there is no search for triggers in inputs of type ${type}`);
  }
  try {
    return await searchVersions(model, clean, options);
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "UNSUPPORTED_OPERATOR") throw error;
    return unsearched(model, options, whyNoSlope(error));
  }
}

/** How a rule for the operator is added, as the error says, is of no use to who audits. */
function whyNoSlope({ message, details }: AssayError): string {
  const operator = details?.["operator"];
  return typeof operator === "string"
    ? `searches follow a gradient, and ${operator} has none: only the graph itself was read`
    : message;
}

/** The search on versions of all models that take float32 and have a slope, where they are not so themselves. */
async function searchVersions(
  model: LoadedModel,
  clean: CleanData,
  options: AuditOptions,
): Promise<Omit<Audit, "witness">> {
  const { references = [], storeOf } = options;
  using versions = await searchableVersions([model, ...references], clean.inputs);
  if (versions.why !== null) return unsearched(model, options, versions.why);
  const [suspect, ...others] = versions.models;
  const found = await searchAll(
    suspect!,
    { ...clean, inputs: versions.inputs },
    {
      ...options,
      references: others,
      ...(storeOf ? { storeOf: (one: LoadedModel) => storeOf(versions.originalOf(one)) } : {}),
    },
  );
  const { verdict } = found;
  return { ...found, verdict: { ...verdict, warnings: [...versions.warnings, ...verdict.warnings] } };
}

/** What can be said of a model that no search can be run on: its graph was read, and that is all. */
export function unsearched(
  model: LoadedModel,
  { seed, references = [] }: AuditOptions,
  why: string,
): Omit<Audit, "witness"> {
  const check: Check = {
    name: "every class as target",
    statistic: null,
    pValue: null,
    result: "skipped",
    why,
  };
  return {
    kind: "audit",
    model: model.name,
    verdict: {
      decision: "inconclusive",
      score: 0,
      pValue: null,
      target: null,
      source: null,
      trigger: null,
      checks: [check],
      cost: { forward: 0, backward: 0, seconds: 0 },
      seed,
      warnings: [`No trigger was searched: ${why}`],
    },
    references: references.map(({ name }) => name),
    isSimulated: false,
    scans: [],
    verification: null,
    change: null,
    examples: tensor("float32", [0, 1, 1, 1], new Float32Array(0)),
    range: [0, 1],
  };
}

async function searchAll(
  model: LoadedModel,
  clean: CleanData,
  options: AuditOptions,
): Promise<Omit<Audit, "witness">> {
  const started = performance.now();
  const { seed, budget = "standard", range, storeOf, signal, onProgress } = options;
  const images = await prepareImages(model, clean, { seed, range });
  checkReferences(model, options.references ?? []);
  const plan = plans[budget];
  const passes = { forward: 0, backward: 0 };
  await using chosen = await referencesFor(model, images, plan, options, passes);
  const { references } = chosen;
  // Simulated references know less than the suspect, and squares would show that as well as a backdoor.
  const sweeps = chosen.isSimulated ? null : await sweepAll(model, references, images, plan, options, passes);
  const margins = chosen.isSimulated ? await marginsOfAll(model, references, images, options, passes) : null;
  // Simulated references are made anew for each model: their searches serve no other audit.
  const storesOf =
    storeOf &&
    ((one: LoadedModel) => (chosen.isSimulated && one !== model ? noInversionStore : storeOf(one)));
  const scanOf = (name: string, arms: readonly Arm[], settings: Partial<SearchOptions>): ScanOptions => ({
    name,
    arms,
    search: { ...plan.targets, seed, ...(signal ? { signal } : {}), ...settings },
    sweeps,
    otherness: chosen.otherness,
    passes,
    storeOf: storesOf,
    onProgress,
  });
  const results = [
    await scanTargets(model, references, images, {
      ...scanOf("every class as target", allTargets(images.classes), {}),
      margins,
      windowSteps: plan.windowSteps,
    }),
  ];
  const changes =
    plan.changes === null
      ? null
      : await scanChanges(model, references, images, {
          seed,
          starts: chosen.isSimulated ? CHANGE_STARTS : plan.changes,
          otherness: chosen.otherness,
          passes,
          storeOf: storesOf,
          signal,
          onProgress,
        });
  const { pairs, possible } = await pairsOf(model, images);
  const why = whyNoPairs(plan, pairs, images, chosen);
  if (why === null) {
    const scan = scanOf(PAIRS, pairs, plan.pairs);
    results.push(
      plan.pairsBySquares
        ? await sweepPairs(model, images, { ...scan, sweeps: sweeps! })
        : await scanPairs(model, references, images, scan),
    );
  }
  const skipped: Check[] =
    why === null ? [] : [{ name: PAIRS, statistic: null, pValue: null, result: "skipped", why }];
  const { conclusion, verification, change } = await conclude(model, references, images, results, {
    seed,
    growth: plan.growth,
    skipped,
    sweeps,
    changes,
    passes,
    signal,
  });
  return {
    kind: "audit",
    model: model.name,
    verdict: {
      ...conclusion,
      cost: { ...passes, seconds: Math.round((performance.now() - started) / 100) / 10 },
      seed,
      warnings: [...images.warnings, ...chosen.warnings, ...fewPairs(why, pairs.length, possible), NOT_CLEAN],
    },
    references: references.map(({ name }) => name),
    isSimulated: chosen.isSimulated,
    scans: results.map(({ scan }) => scan),
    verification,
    change,
    examples: takeExamples(images.heldOut.inputs, [0, 1, 2, 3, 4, 5, 6, 7]),
    range: images.range,
  };
}

/** Squares in the suspect and in its references, where there are two or more to tell what is natural. */
async function sweepAll(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  { sweep }: Plan,
  { signal, onProgress }: AuditOptions,
  passes: { forward: number },
): Promise<Sweeps | null> {
  if (references.length < 2 || whyNoSweep(images) !== null) return null;
  const responses: SquareResponses[] = [];
  for (const one of [model, ...references]) {
    responses.push(
      await sweepSquares(one, images, {
        budget: sweep,
        passes,
        signal,
        onProgress: (done, of) => onProgress?.(`squares: ${one.name}`, done, of),
      }),
    );
  }
  const [own, ...others] = responses;
  return { own: own!, references: others };
}

/**
 * Largest margins, where references are simulated and no squares can be swept.
 *
 * With them 23 instead of 20 of 24 attacked development models came out below 0.05, and 1 instead of 0 of 19 clean ones.
 * Beside given references they bring nothing: every all-to-one trigger was found without, and one more score only
 * weakens that of source-specific ones (found in 20 % instead of 27 %).
 */
async function marginsOfAll(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  { seed, signal, onProgress }: AuditOptions,
  passes: { forward: number; backward: number },
): Promise<MarginSets> {
  const starts = Math.max(MARGIN_STARTS[0], Math.min(MARGIN_STARTS[1], Math.floor(200 / images.classes)));
  const all: Float64Array[] = [];
  for (const one of [model, ...references]) {
    const found = await searchMargins(one, images, {
      seed,
      starts,
      steps: 40,
      learningRate: 0.1,
      signal,
      onProgress: (done, of) => onProgress?.(`largest margins: ${one.name}`, done, of),
    });
    passes.forward += found.passes;
    passes.backward += found.passes;
    all.push(found.margins);
  }
  const [own, ...others] = all;
  return { own: own!, references: others };
}

/** Random inputs that each class is climbed from: fewer where there are many classes. */
const MARGIN_STARTS = [4, 10] as const;

const PAIRS = "every pair of victim and target";

const fewPairs = (why: string | null, pairs: number, possible: number): string[] =>
  why === null && pairs < possible
    ? [`${pairs} of ${possible} pairs of victim and target were searched, those with the shortest way.`]
    : [];

/**
 * Pairs are not judged against simulated references: a clean model with batch normalization came out at p = 0.005,
 * since copies trained on a thousand images are harder to turn than it in every pair alike.
 */
function whyNoPairs(
  { pairsBySquares }: Plan,
  pairs: readonly Arm[],
  images: PreparedImages,
  { references, isSimulated }: { references: readonly LoadedModel[]; isSimulated: boolean },
): string | null {
  if (isSimulated || references.length < 2)
    return "pairs cannot be judged without two or more clean references";
  if (pairs.length < 6) return "fewer than 8 clean images of almost every class";
  const noSquares = pairsBySquares ? whyNoSweep(images) : null;
  if (noSquares !== null) return `the quick budget judges pairs by squares alone: ${noSquares}`;
  return null;
}

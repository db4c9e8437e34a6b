/** From the scans of an audit to its verdict: which arm is accused, with what trigger, verified how. */
import type { LoadedModel } from "../model/index.js";
import { attackSuccessRate, victims } from "../trigger/index.js";
import { imageModel } from "./image-model.js";
import type { PreparedImages } from "./prepare.js";
import { patternTensor, type RecoveredTrigger, recoverTrigger } from "./recovered-trigger.js";
import type { Scan, ScanResult } from "./scan.js";
import { answering, sharpen } from "./sharpen.js";
import { BACKDOORED, type Check, decide, isAccusation, SUSPICIOUS, type Verdict } from "./verdict.js";
import { type TriggerVerification, verifyTrigger } from "./verify.js";

/** What concluding takes. */
export interface ConcludeOptions {
  readonly seed: number;
  /** Scans that were left out, with the reason. */
  readonly skipped: readonly Check[];
  readonly passes: { forward: number; backward: number };
  readonly signal?: AbortSignal | undefined;
}

/** The part of a verdict that the scans decide. */
export type Conclusion = Pick<
  Verdict,
  "decision" | "score" | "pValue" | "target" | "source" | "trigger" | "checks"
>;

interface Finding {
  readonly result: ScanResult;
  readonly recovered: RecoveredTrigger;
  readonly attackSuccessRate: Awaited<ReturnType<typeof attackSuccessRate>>;
}

/** Share of the found trigger's success that a patch of simpler form may cost. */
const SHARPENED = 0.8;

/** Judges all scans together and, where one accuses, looks for the planted patch and verifies it. */
export async function conclude(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  results: readonly ScanResult[],
  options: ConcludeOptions,
): Promise<{ readonly conclusion: Conclusion; readonly verification: TriggerVerification | null }> {
  const findings: Finding[] = [];
  for (const result of results) findings.push(await finding(model, images, result));
  const best = mostTelling(findings);
  const { calibration, arms } = best.result.scan;
  const pValue = Math.min(1, calibration.pValue * findings.length);
  const decision = decide(pValue, best.attackSuccessRate);
  const score = Math.max(
    ...results.map(({ scan }) => scan.calibration.statistic / scan.calibration.threshold),
  );
  const checks = [...results.map(({ scan }) => checkOf(scan)), ...options.skipped];
  if (!isAccusation(decision)) {
    return {
      verification: null,
      conclusion: { decision, score, pValue, target: null, source: null, trigger: null, checks },
    };
  }
  const { target, victim } = arms[calibration.target]!;
  const sharpened = await sharpenFinding(model, references, images, best, options);
  const { layout, heldOut } = images;
  const verification = await verifyTrigger(imageModel(model, layout), heldOut, sharpened.recovered, {
    seed: options.seed,
    references: references.map((reference) => imageModel(reference, layout)),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  options.passes.forward += verification.forwardPasses;
  return {
    verification,
    conclusion: {
      decision,
      score,
      pValue,
      target,
      source: victim,
      trigger: { ...sharpened.recovered, attackSuccessRate: sharpened.attackSuccessRate },
      checks,
    },
  };
}

/** The most unusual arm's trigger, and how it does on held-out images. */
async function finding(model: LoadedModel, images: PreparedImages, result: ScanResult): Promise<Finding> {
  const { layout, range, search, heldOut } = images;
  const view = imageModel(model, layout);
  const found = result.masks[result.scan.calibration.target]!;
  const recovered = await recoverTrigger(view, search, found, layout, range);
  return { result, recovered, attackSuccessRate: await attackSuccessRate(view, heldOut, recovered) };
}

/** A simpler patch in place of the found pixels, if one keeps most of their success on the images searched on. */
async function sharpenFinding(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  { result, recovered, attackSuccessRate: before }: Finding,
  { passes, signal }: ConcludeOptions,
): Promise<Pick<Finding, "recovered" | "attackSuccessRate">> {
  const { layout, range, search, heldOut } = images;
  const found = result.masks[result.scan.calibration.target]!;
  const view = imageModel(model, layout);
  const patch = await sharpen(
    answering(view, model),
    victims(search, recovered).inputs as typeof search.inputs,
    { mask: found.mask, pattern: patternTensor(found.pattern, layout, range).data },
    {
      layout,
      range,
      target: recovered.target,
      references: references.map((one) => answering(imageModel(one, layout), one)),
      signal,
    },
  );
  if (patch === undefined) return { recovered, attackSuccessRate: before };
  passes.forward += patch.forwardPasses;
  if (patch.success < SHARPENED * before.value) return { recovered, attackSuccessRate: before };
  const simpler: RecoveredTrigger = {
    ...recovered,
    trigger: patch.trigger,
    shape: "patch",
    pixels: patch.pixels,
  };
  return { recovered: simpler, attackSuccessRate: await attackSuccessRate(view, heldOut, simpler) };
}

/** A trigger from every class also shows in its pairs, so pairs speak only where that search is not clear. */
function mostTelling(findings: readonly Finding[]): Finding {
  const pValue = ({ result }: Finding): number => result.scan.calibration.pValue;
  const [first] = findings;
  if (pValue(first!) * findings.length < BACKDOORED) return first!;
  return findings.reduce((low, one) => (pValue(one) < pValue(low) ? one : low));
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

/** From the scans of an audit to its verdict: which arm is accused, with what trigger, verified how. */
import type { LoadedModel } from "../../model/index.js";
import { BACKDOORED, type Check, decide, isAccusation, SUSPICIOUS, type Verdict } from "../verdict.js";
import { type ChangeScan, checkOfChanges } from "./changes/change-scan.js";
import { changeOf, type ImageChange } from "./changes/change-search.js";
import { type Finding, findingFor, findingOf } from "./finding.js";
import { hardTrigger } from "./hard-trigger.js";
import { imageModel } from "./image-model.js";
import { checkOtherEnds } from "./other-ends.js";
import type { PreparedImages } from "./prepare.js";
import type { RecoveredTrigger } from "./recovered-trigger.js";
import type { ScanResult, Sweeps } from "./scan.js";
import { type TriggerVerification, verifyTrigger } from "./verify.js";
import { withVictim } from "./victim-class.js";

/** What concluding takes. */
export interface ConcludeOptions {
  readonly seed: number;
  /** Rounds that the recovered patch may grow. Default 3. */
  readonly growth?: number;
  /** Scans that were left out, with the reason. */
  readonly skipped: readonly Check[];
  /** Sweeps of squares, where there are any that say which classes a trigger works from. */
  readonly sweeps: Sweeps | null;
  /** What changes of the whole image lead to, if they were searched for every class. Default: they were not. */
  readonly changes?: ChangeScan | null;
  readonly passes: { forward: number; backward: number };
  readonly signal?: AbortSignal | undefined;
}

/** The part of a verdict that the scans decide. */
export type Conclusion = Pick<
  Verdict,
  "decision" | "score" | "pValue" | "target" | "source" | "trigger" | "checks"
>;

/**
 * Parts of the permitted error that masks and changes of the whole image have. Patches are the commonest triggers; planted
 * changes stand out beside clean grey models (p-values of 0.0001 to 0.0005) and less beside those of colours (0.009).
 */
const SHARES = { masks: 0.8, changes: 0.2 } as const;

/** Judges all scans together and, where one accuses, looks for the planted patch and verifies it. */
export async function conclude(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  results: readonly ScanResult[],
  options: ConcludeOptions,
): Promise<{
  readonly conclusion: Conclusion;
  readonly verification: TriggerVerification | null;
  readonly change: ImageChange | null;
}> {
  const findings: Finding[] = [];
  for (const result of results) findings.push(await findingOf(model, images, result));
  const byMasks = mostTelling(findings);
  // Sidak: of several scans the smallest p-value; they go along with one another, so that this is on the safe side.
  const ofMasks = 1 - (1 - byMasks.result.scan.calibration.pValue) ** findings.length;
  const changes = options.changes ?? null;
  const shares =
    changes === null ? [ofMasks] : [ofMasks / SHARES.masks, changes.calibration.pValue / SHARES.changes];
  const pValue = Math.min(1, ...shares);
  const isByChange = changes !== null && shares[1]! < shares[0]!;
  const best = isByChange
    ? await findingTo(model, images, results[0]!, changes.calibration.target, byMasks)
    : byMasks;
  // Where nothing leads anywhere, such as without a gradient, a search that found nothing says nothing.
  const isBlind = !results.some(leadsAnywhere);
  const decision = isBlind ? "inconclusive" : decide(pValue, best.attackSuccessRate, images.knowsTask);
  const calibrations = [
    ...results.map(({ scan }) => scan.calibration),
    ...(changes ? [changes.calibration] : []),
  ];
  const score = Math.max(...calibrations.map(({ statistic, threshold }) => statistic / threshold));
  const checks = [...results.map(checkOf), ...(changes ? [checkOfChanges(changes)] : []), ...options.skipped];
  if (!isAccusation(decision)) {
    return {
      verification: null,
      change: null,
      conclusion: { decision, score, pValue, target: null, source: null, trigger: null, checks },
    };
  }
  const accused = isByChange ? best : await withVictim(model, references, images, findings, best, options);
  const { target, victim } = accused.arm;
  const sharpened = await hardTrigger(model, references, images, accused, options);
  const { layout, heldOut } = images;
  const change = await changeBehind(model, references, images, sharpened.recovered, isByChange, options);
  const verification = await verifyTrigger(imageModel(model, layout), heldOut, sharpened.recovered, {
    seed: options.seed,
    references: references.map((reference) => imageModel(reference, layout)),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  options.passes.forward += verification.forwardPasses;
  const otherEnds = await checkOtherEnds(
    imageModel(model, layout),
    heldOut,
    sharpened.recovered,
    options.passes,
  );
  return {
    verification,
    change,
    conclusion: {
      decision,
      score,
      pValue,
      target,
      source: victim,
      trigger: { ...sharpened.recovered, attackSuccessRate: sharpened.attackSuccessRate },
      checks: [
        ...checks,
        ...(change === null ? [] : [checkOfChange(change)]),
        ...(otherEnds === null ? [] : [otherEnds]),
      ],
    },
  };
}

/** The mask that leads to a class, of the search over classes; another finding where that class was not searched. */
async function findingTo(
  model: LoadedModel,
  images: PreparedImages,
  result: ScanResult,
  target: number,
  otherwise: Finding,
): Promise<Finding> {
  const { arms } = result.scan;
  const at = arms.findIndex((arm) => arm.target === target && arm.victim === null);
  return at < 0 ? otherwise : findingFor(model, images, result, arms[at]!, result.masks[at]!);
}

/** Share of the image beyond which replaced pixels are no patch. */
const PATCH = 0.1;

/** A warp or other tones beside a mask that repaints much of the image; needs references to mean anything. */
async function changeBehind(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  { shape, pixels, target, sources }: RecoveredTrigger,
  isByChange: boolean,
  { seed, passes, signal }: ConcludeOptions,
): Promise<ImageChange | null> {
  const { height, width } = images.layout;
  const isPatch = shape === "patch" && pixels <= PATCH * height * width;
  if ((isPatch && !isByChange) || sources !== undefined || references.length === 0 || height === 1)
    return null;
  const change = await changeOf(model, images, { seed, target, references, signal });
  passes.forward += change.passes.forward;
  passes.backward += change.passes.backward;
  return change;
}

function checkOfChange(change: ImageChange): Check {
  const { successRate, referenceSuccessRates, displacement, toning, target } = change;
  const highest = Math.max(...referenceSuccessRates.map(({ value }) => value));
  const limit = Math.max(...referenceSuccessRates.map(({ interval }) => interval[1]));
  const percent = (value: number): string => `${Math.round(100 * value)} %`;
  return {
    name: "a change of the whole image",
    statistic: successRate.value - highest,
    pValue: null,
    result: successRate.interval[0] - limit >= 0.5 ? "flag" : "pass",
    why: `a displacement of ${displacement.toPrecision(2)} pixels on the average and tones changed by ${percent(toning)} lead ${percent(successRate.value)} of held-out images to class ${target}, in clean references ${referenceSuccessRates.map(({ value }) => percent(value)).join(", ")}`,
  };
}

/** A trigger from every class also shows in its pairs, so pairs speak only where that search is not clear. */
function mostTelling(findings: readonly Finding[]): Finding {
  const pValue = ({ result }: Finding): number => result.scan.calibration.pValue;
  const [first] = findings;
  if (pValue(first!) * findings.length < BACKDOORED) return first!;
  return findings.reduce((low, one) => (pValue(one) < pValue(low) ? one : low));
}

const leadsAnywhere = ({ masks }: ScanResult): boolean => masks.some(({ isWorking }) => isWorking);

function checkOf(result: ScanResult): Check {
  const { name, arms, calibration, maskL1Norms, referenceL1Norms } = result.scan;
  const { target, statistic, pValue } = calibration;
  if (!leadsAnywhere(result)) {
    const why = `no mask of any size was found that leads to any of ${arms.length} ends: the search says nothing of this model`;
    return { name, statistic: null, pValue: null, result: "skipped", why };
  }
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

/** One family of searches, in the suspect and in its references, and how they compare. */
import type { LoadedModel } from "../model/index.js";
import { type Calibration, calibrate } from "./calibration.js";
import { type Inversion, invert, smallness } from "./invert.js";
import type { Arm, FoundMask, SearchOptions } from "./mask-search.js";
import { TELLING, tellingPairs } from "./pairs.js";
import type { PreparedImages } from "./prepare.js";
import type { InversionStore } from "./store.js";

/** One family of searches and how it compares with the references. */
export interface Scan {
  readonly name: string;
  /** What was searched in suspect and references both. */
  readonly arms: readonly Arm[];
  readonly maskL1Norms: readonly number[];
  readonly referenceL1Norms: readonly (readonly number[])[];
  readonly calibration: Calibration;
}

/** A scan with the masks behind it, which are too large to show. */
export interface ScanResult {
  readonly scan: Scan;
  /** The suspect's mask of each arm. */
  readonly masks: readonly FoundMask[];
}

/** What a scan takes. */
export interface ScanOptions {
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly search: SearchOptions;
  readonly passes: { forward: number; backward: number };
  readonly storeOf?: ((model: LoadedModel) => InversionStore) | undefined;
  readonly onProgress?: ((step: string, done: number, of: number) => void) | undefined;
}

/** Searches all arms in the suspect and in each reference. */
export async function scanTargets(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  options: ScanOptions,
): Promise<ScanResult> {
  const own = await searched(model, images, options.arms, options);
  const others: Inversion[] = [];
  for (const reference of references) others.push(await searched(reference, images, options.arms, options));
  const calibration = calibrate(
    smallness(own.masks),
    others.map(({ masks }) => smallness(masks)),
    { seed: options.search.seed },
  );
  return resultOf(options.name, options.arms, own.masks, others, calibration);
}

/**
 * Searches all pairs in the suspect, and in the references those that are unusual there, with some others: three
 * quarters of the references' searches would be about pairs that nothing hangs on.
 */
export async function scanPairs(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  options: ScanOptions,
): Promise<ScanResult> {
  const { arms, search } = options;
  const own = await searched(model, images, arms, options);
  const all = smallness(own.masks);
  const chosen = tellingPairs(arms, all, search.seed);
  const some = Array.from(chosen, (i) => arms[i]!);
  const others: Inversion[] = [];
  for (const reference of references) others.push(await searched(reference, images, some, options));
  const calibration = calibrate(
    Float64Array.from(chosen, (i) => all[i]!),
    others.map(({ masks }) => smallness(masks)),
    { seed: search.seed, pairs: { of: arms.length, telling: Math.min(TELLING, arms.length) } },
  );
  return resultOf(
    options.name,
    some,
    Array.from(chosen, (i) => own.masks[i]!),
    others,
    calibration,
  );
}

async function searched(
  one: LoadedModel,
  images: PreparedImages,
  arms: readonly Arm[],
  { name, search, passes, storeOf, onProgress }: ScanOptions,
): Promise<Inversion> {
  const settings = {
    ...search,
    onProgress: (done: number, of: number) => onProgress?.(`${name}: ${one.name}`, done, of),
  };
  const inversion = await invert(one, images, arms, settings, storeOf?.(one));
  passes.forward += inversion.passes.forward;
  passes.backward += inversion.passes.backward;
  return inversion;
}

function resultOf(
  name: string,
  arms: readonly Arm[],
  masks: readonly FoundMask[],
  others: readonly Inversion[],
  calibration: Calibration,
): ScanResult {
  return {
    masks,
    scan: {
      name,
      arms,
      maskL1Norms: masks.map(({ maskL1Norm }) => maskL1Norm),
      referenceL1Norms: others.map((other) => other.masks.map(({ maskL1Norm }) => maskL1Norm)),
      calibration,
    },
  };
}

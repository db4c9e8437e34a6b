/** One family of searches, in the suspect and in its references, and how they compare. */
import type { LoadedModel } from "../../model/index.js";
import { type Calibration, calibrateTogether, type Evidence, type Otherness } from "../calibration.js";
import type { InversionStore } from "../store.js";
import { logMargins } from "./margins/maximum-margin.js";
import type { BanditOptions } from "./masks/bandit.js";
import { type Inversion, invert, smallness } from "./masks/invert.js";
import type { Arm, FoundMask, SearchOptions } from "./masks/mask-search.js";
import { mostOf, TELLING, tellingPairs } from "./masks/pairs.js";
import { type SquareResponses, squareStatistics } from "./patches/squares.js";
import { windowAnswers } from "./patches/windows.js";
import type { PreparedImages } from "./prepare.js";

/** One family of searches and how it compares with the references. */
export interface Scan {
  readonly name: string;
  /** What was searched in suspect and references both. */
  readonly arms: readonly Arm[];
  readonly maskL1Norms: readonly number[];
  readonly referenceL1Norms: readonly (readonly number[])[];
  /** Of the masks' sizes and of what squares do or, beside simulated references, of largest margins, added up. */
  readonly calibration: Calibration;
}

/** A scan with the masks behind it, which are too large to show. */
export interface ScanResult {
  readonly scan: Scan;
  /** The suspect's mask of each arm. */
  readonly masks: readonly FoundMask[];
}

/** Sweeps of the suspect and of each reference. */
export interface Sweeps {
  readonly own: SquareResponses;
  readonly references: readonly SquareResponses[];
}

/** Largest margin of every class, in the suspect and in each reference. */
export interface MarginSets {
  readonly own: Float64Array;
  readonly references: readonly Float64Array[];
}

/** What a scan takes. */
export interface ScanOptions {
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly search: SearchOptions;
  /** Adds its evidence; null where none was made. */
  readonly sweeps: Sweeps | null;
  /** Adds its evidence to a search of classes; null where none was made. */
  readonly margins?: MarginSets | null;
  /** Steps that the colours of windows are searched in. Default 24. */
  readonly windowSteps?: number;
  /** For references that are no models like the suspect; its bias is in logs. Default: they are. */
  readonly otherness?: Otherness | undefined;
  readonly passes: { forward: number; backward: number };
  readonly storeOf?: ((model: LoadedModel) => InversionStore) | undefined;
  readonly onProgress?: ((step: string, done: number, of: number) => void) | undefined;
}

// Of mask sizes and squares in clean models: 0.21 over classes, 0.24 over pairs; of mask sizes and margins 0.33 beside
// clean references and 0.19 beside simulated ones, on development CNNs.
const CORRELATION = 0.25;
// Of mask sizes and windows: 0.31 and 0.52 on development CNNs of two architectures.
const WINDOW_CORRELATION = 0.45;

/** Targets beyond which the suspect alone is searched for all, by a bandit with so many rounds per target. */
export const MANY_TARGETS = 30;
export const BANDIT_ROUNDS = 4;

/**
 * Searches all targets in the suspect and in each reference; of more than 30 targets those that are unusual in the
 * suspect, and some others to compare with.
 *
 * Of 100 classes (couples of Fashion-MNIST images) a standard audit with three references so takes 199,000 passes
 * instead of 614,000; three attacked models came out at p = 0.0001 with the right class in both ways.
 */
export async function scanTargets(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  options: ScanOptions,
): Promise<ScanResult> {
  const { arms, search, margins, otherness } = options;
  if (arms.length <= MANY_TARGETS || references.length < 2)
    return scanEvery(model, references, images, options);
  const bandit = { ...search, armRounds: BANDIT_ROUNDS * arms.length, epsilon: 0.3 };
  const [first] = await searched(model, [], images, arms, { ...options, search: bandit });
  const chosen = mostOf(smallness(first!.masks), search.seed);
  const some = Array.from(chosen, (i) => arms[i]!);
  const masks = await searched(model, references, images, some, options);
  const selection = { of: arms.length, telling: TELLING, areClasses: true };
  const evidence = [
    { ...sizes(masks), pairs: selection, otherness },
    ...(margins ? [{ ...marginsOf(margins, some), otherness }] : []),
  ];
  return resultOf(options, some, masks, evidence);
}

/** Searches all arms in the suspect and in each reference. */
async function scanEvery(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  options: ScanOptions,
): Promise<ScanResult> {
  const { arms, sweeps, margins, otherness } = options;
  const masks = await searched(model, references, images, arms, options);
  const windows = sweeps ? [await windowsOf([model, ...references], images, masks, options)] : [];
  const evidence = [
    { ...sizes(masks), otherness },
    ...(sweeps ? [squares(sweeps, arms)] : []),
    ...windows,
    ...(margins ? [{ ...marginsOf(margins, arms), otherness }] : []),
  ];
  return resultOf(options, arms, masks, evidence);
}

/**
 * Searches the pairs that are unusual in the suspect, and some others to compare with, in all models.
 *
 * Squares say which pairs are unusual; without them a search of all pairs in the suspect alone does.
 */
export async function scanPairs(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  options: ScanOptions,
): Promise<ScanResult> {
  const { arms, search, sweeps } = options;
  const swept = sweeps && squares(sweeps, arms);
  const first = swept?.suspect ?? smallness((await searched(model, [], images, arms, options))[0]!.masks);
  const chosen = swept ? mostOf(first, search.seed) : tellingPairs(arms, first, search.seed);
  const some = Array.from(chosen, (i) => arms[i]!);
  const selection = { of: arms.length, telling: Math.min(TELLING, arms.length) };
  const masks = await searched(model, references, images, some, options);
  const evidence: Evidence[] = swept
    ? [
        { ...swept, pairs: selection, kept: chosen },
        { ...sizes(masks), pairs: { of: some.length, telling: some.length } },
      ]
    : [{ ...sizes(masks), pairs: selection }];
  return resultOf(options, some, masks, evidence);
}

/** Pairs that a mask is searched for where squares alone judge. */
const SHOWN = 3;
/** Simulated clean models there: of 90 pairs 10,000 would take a fifth of a quick audit. */
const SWEPT_DRAWS = 4000;

/**
 * Judges every pair by what squares do in it alone; masks are searched in the suspect, for the most unusual pairs.
 *
 * What a budget affords that leaves the search of pairs in the references out. Of 17 source-specific development models
 * 8 came out below 0.01 so, six of them with the right pair, and none of 27 clean ones; with twice the images 11 and one.
 */
export async function sweepPairs(
  model: LoadedModel,
  images: PreparedImages,
  options: ScanOptions & { readonly sweeps: Sweeps },
): Promise<ScanResult> {
  const { name, arms, search, sweeps } = options;
  const pairs = { of: arms.length, telling: arms.length };
  const calibration = calibrateTogether([{ ...squares(sweeps, arms), pairs }], {
    seed: search.seed,
    draws: SWEPT_DRAWS,
  });
  const { scores } = calibration;
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, SHOWN);
  const some = order.map((i) => arms[i]!);
  const [own] = await searched(model, [], images, some, options);
  return {
    masks: own!.masks,
    scan: {
      name,
      arms: some,
      maskL1Norms: own!.masks.map(({ maskL1Norm }) => maskL1Norm),
      referenceL1Norms: [],
      calibration: { ...calibration, scores: Float64Array.from(order, (i) => scores[i]!), target: 0 },
    },
  };
}

/** The suspect's search, then each reference's. */
async function searched(
  model: LoadedModel,
  references: readonly LoadedModel[],
  images: PreparedImages,
  arms: readonly Arm[],
  {
    name,
    search,
    passes,
    storeOf,
    onProgress,
  }: Omit<ScanOptions, "search"> & {
    readonly search: SearchOptions | BanditOptions;
  },
): Promise<Inversion[]> {
  const inversions: Inversion[] = [];
  for (const one of [model, ...references]) {
    const settings = {
      ...search,
      onProgress: (done: number, of: number) => onProgress?.(`${name}: ${one.name}`, done, of),
    };
    const inversion = await invert(one, images, arms, settings, storeOf?.(one));
    passes.forward += inversion.passes.forward;
    passes.backward += inversion.passes.backward;
    inversions.push(inversion);
  }
  return inversions;
}

const sizes = ([own, ...others]: readonly Inversion[]): Evidence => ({
  suspect: smallness(own!.masks),
  references: others.map(({ masks }) => smallness(masks)),
});

const knownWindows = new WeakMap<FoundMask, number>();

/** What windows do that are placed by masks; those of the same mask are run once. */
async function windowsOf(
  models: readonly LoadedModel[],
  images: PreparedImages,
  inversions: readonly Inversion[],
  { search, windowSteps, passes, storeOf }: ScanOptions,
): Promise<Evidence> {
  const answers: number[][] = [];
  for (const [i, model] of models.entries()) {
    const { masks } = inversions[i]!;
    const store = storeOf?.(model);
    const { seed, signal, steps } = search;
    const key = `windows ${JSON.stringify([seed, steps, windowSteps, search.batch, masks.map(({ arm }) => arm), images.range, images.digest])}`;
    const before = masks.map((mask) => knownWindows.get(mask));
    const own = before.every((one) => one !== undefined)
      ? (before as number[])
      : (numbers(await store?.readPlain(key), masks.length) ??
        (await windowAnswers(model, images, masks, { seed, steps: windowSteps, passes, signal })));
    masks.forEach((mask, m) => {
      knownWindows.set(mask, own[m]!);
    });
    await store?.writePlain(key, own);
    answers.push(own);
  }
  const [suspect, ...references] = answers;
  return { suspect: suspect!, references, correlation: WINDOW_CORRELATION };
}

/** What a store kept, if it is as many numbers. */
const numbers = (value: unknown, count: number): number[] | undefined =>
  Array.isArray(value) && value.length === count && value.every((one) => Number.isFinite(one))
    ? value
    : undefined;

/** Each reference is compared with the other references, as the suspect is with all of them. */
const squares = ({ own, references }: Sweeps, arms: readonly Arm[]) => ({
  suspect: squareStatistics(own, references, arms),
  references: references.map((one) =>
    squareStatistics(
      one,
      references.filter((other) => other !== one),
      arms,
    ),
  ),
});

const marginsOf = ({ own, references }: MarginSets, arms: readonly Arm[]): Evidence => {
  const some = (margins: Float64Array) =>
    logMargins(Float64Array.from(arms, ({ target }) => margins[target]!));
  return { suspect: some(own), references: references.map(some) };
};

function resultOf(
  { name, search }: ScanOptions,
  arms: readonly Arm[],
  [own, ...others]: readonly Inversion[],
  evidence: readonly Evidence[],
): ScanResult {
  return {
    masks: own!.masks,
    scan: {
      name,
      arms,
      maskL1Norms: own!.masks.map(({ maskL1Norm }) => maskL1Norm),
      referenceL1Norms: others.map((other) => other.masks.map(({ maskL1Norm }) => maskL1Norm)),
      calibration: calibrateTogether(evidence, { seed: search.seed, correlation: CORRELATION }),
    },
  };
}

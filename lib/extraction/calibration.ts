/**
 * Scores one model's classes against clean reference models, and says how unusual the most unusual class is.
 *
 * The size of the smallest trigger differs between classes even in clean models (a bag is easy to turn an image
 * into), so a rule that compares a model's classes with one another, such as "anomaly index above 2", raises
 * false alarms on a third of clean ten-class models. Comparing each class with the same class of clean models
 * removes these differences. It needs references that were trained for the same task; it misleads when they were
 * trained on something else, or are backdoored themselves.
 */
import { AssayError } from "../errors.js";
import { type Generator, generator } from "../random/index.js";

/** How unusual each class of a model is, and the p-value of the most unusual one. */
export interface Calibration {
  readonly kind: "calibration";
  /** One score per class; higher is more anomalous, the model's own median is 0. */
  readonly scores: Float64Array;
  /** Class with the highest score. */
  readonly target: number;
  /** The highest score. */
  readonly statistic: number;
  /** The statistic that 5 % of clean models exceed. */
  readonly threshold: number;
  /** Probability of a statistic at least this high from a clean model, all classes together. */
  readonly pValue: number;
  /** Number of reference models; 0 means that the classes were compared with one another, at low power. */
  readonly references: number;
  /** How the null distribution was made. */
  readonly method: string;
}

/** Pairs, or classes, that were chosen from more by the suspect's own statistics. */
export interface ChosenPairs {
  /** How many the suspect was searched for. */
  readonly of: number;
  /** How many of those given are the suspect's highest; the rest were drawn at random. */
  readonly telling: number;
  /** True for classes: each has a spread of its own, and the tails are theirs. */
  readonly areClasses?: boolean;
}

const haveOwnSpread = (pairs: ChosenPairs | undefined): boolean =>
  pairs === undefined || pairs.areClasses === true;

const NULL_DRAWS = 10_000;
// Pairs are searched on few images, and their residuals have heavier tails than the normal distribution: with it a
// clean development model came out at p = 0.02. Degrees of freedom chosen on such models, no test model.
const PAIR_DEGREES = 8;
// Classes differ in how much they vary from model to model, and single models stray: on 30 clean development CNNs,
// each with twelve random triples of the others as references, a normal null with one spread for all classes had
// 14 % of p-values below 0.05, this one 9 %, before the factor for several scans.
const CLASS_DEGREES = 5;
const CLASS_SPREAD = 0.35;

/**
 * Compares per-class statistics of a model with those of reference models.
 *
 * With R >= 2 references, `z_k = (d_k - median d) / (sd_k sqrt(1 + 1/R))` where `d_k = s_k - mean_k`, each
 * reference is taken minus its own mean, and the variance of class k is shrunk half-way to the pooled one. With
 * one reference, or none, `d_k - median d` in units of its own median absolute deviation. The p-value simulates
 * this whole procedure on clean models whose statistics follow Student's t distribution with 5 degrees of freedom, and
 * whose classes differ in spread as those of development models do.
 *
 * @param suspect One value per class, higher is more anomalous, e.g. minus the log of a mask's L1 norm.
 * @param references The same for each clean reference model.
 * @param options.seed Seeds the simulation of the null distribution.
 * @param options.pairs For (victim, target) pairs: of how many they were chosen. Their own spread is known badly, so
 *   the pooled one is used alone, with a null of heavier tails that repeats the choice. Default: classes.
 * @throws AssayError INVALID_ARGUMENT for fewer than two classes or unequal lengths, NOT_FINITE for NaN.
 */
export function calibrate(
  suspect: ArrayLike<number>,
  references: readonly ArrayLike<number>[],
  options: { seed: number; pairs?: ChosenPairs },
): Calibration {
  const { seed, pairs } = options;
  return calibrateTogether([{ suspect, references, ...(pairs ? { pairs } : {}) }], { seed });
}

/** How unlike a suspect its references are: what their own spread does not show. */
export interface Otherness {
  /** Variance of the suspect's statistics, in variances of the references'. */
  readonly variance: number;
  /** How far all references alike may lie off in single classes, in units of the statistic. */
  readonly bias: number;
}

const ALIKE: Otherness = { variance: 1, bias: 0 };

/** One statistic of every arm, in a suspect and in its references. */
export interface Evidence {
  readonly suspect: ArrayLike<number>;
  readonly references: readonly ArrayLike<number>[];
  /** As in `calibrate`. */
  readonly pairs?: ChosenPairs;
  /** For references that are no models like the suspect. Default: they are. */
  readonly otherness?: Otherness | undefined;
  /** Correlation with the first statistic in clean models, of the same class. Default: that of all. */
  readonly correlation?: number;
  /** Indices of the pairs that count, where this statistic is known of more: its own highest and some others. */
  readonly kept?: ArrayLike<number>;
}

/**
 * Compares several statistics of the same classes at once: their scores are added up, and the null distribution is
 * that of the sum.
 *
 * @param options.draws Simulated clean models. Default 10,000.
 * @param options.correlation Of any two of the statistics in clean models, of the same class. Default 0.
 * @throws AssayError as `calibrate`.
 */
export function calibrateTogether(
  evidence: readonly Evidence[],
  { seed, correlation = 0, draws = NULL_DRAWS }: { seed: number; correlation?: number; draws?: number },
): Calibration {
  const classes = evidence[0]!.kept?.length ?? evidence[0]!.suspect.length;
  const scores = new Float64Array(classes);
  for (const { suspect, references, pairs, otherness, kept } of evidence) {
    checkStatistics(suspect, references, kept ? suspect.length : classes);
    addTo(scores, anomalyScores(suspect, references, haveOwnSpread(pairs), otherness), kept);
  }
  const clean = simulateNull(
    evidence.map(({ suspect, references, pairs, kept, correlation: own = correlation }) => ({
      correlation: own,
      known: suspect.length,
      references: references.length,
      pairs,
      isPart: kept !== undefined,
    })),
    classes,
    draws,
    seed,
  );
  return amongClean(scores, clean, evidence[0]!.references.length);
}

/**
 * The highest of some scores among the highest of simulated clean models.
 *
 * @param clean Statistics of the simulated models in rising order.
 */
export function amongClean(scores: Float64Array, clean: Float64Array, references: number): Calibration {
  const statistic = maximum(scores);
  const asHigh = clean.reduce((count, value) => count + (value >= statistic ? 1 : 0), 0);
  return {
    kind: "calibration",
    scores,
    target: scores.indexOf(statistic),
    statistic,
    threshold: clean[Math.ceil(0.95 * clean.length) - 1]!,
    pValue: (asHigh + 1) / (clean.length + 1),
    references,
    method: `${clean.length} simulated clean models`,
  };
}

function checkStatistics(
  suspect: ArrayLike<number>,
  references: readonly ArrayLike<number>[],
  classes: number,
): void {
  if (classes < 2 || [suspect, ...references].some((values) => values.length !== classes)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `calibrate: expected at least two classes and as many in each reference, got ${suspect.length} and [${references.map((values) => values.length)}].`,
      { classes },
    );
  }
  for (const values of [suspect, ...references]) {
    const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new AssayError("NOT_FINITE", `calibrate: the statistic of class ${bad} is ${values[bad]}.`, {
        class: bad,
      });
    }
  }
}

const nulls = new Map<string, Float64Array>();

/** Adds the scores, or the kept ones of them, to sums. */
function addTo(sums: Float64Array, scores: Float64Array, kept: ArrayLike<number> | undefined): void {
  for (let k = 0; k < sums.length; k++) sums[k] = sums[k]! + scores[kept ? kept[k]! : k]!;
}

interface SimulatedEvidence {
  readonly correlation: number;
  /** Classes or pairs that the statistic is known of. */
  readonly known: number;
  readonly references: number;
  readonly pairs: ChosenPairs | undefined;
  /** True if only some of the known ones count. */
  readonly isPart: boolean;
}

/** Statistics of simulated clean models in rising order; kept, since an audit asks for the same ones again and again. */
function simulateNull(
  evidence: readonly SimulatedEvidence[],
  classes: number,
  draws: number,
  seed: number,
): Float64Array {
  const key = JSON.stringify([evidence, classes, draws, seed]);
  const before = nulls.get(key);
  if (before) return before;
  const random = generator(seed).split("calibration");
  const values = Float64Array.from({ length: draws }, () => {
    const sums = new Float64Array(classes);
    let shared: Float64Array[] | undefined;
    for (const { known, references, pairs, isPart, correlation } of evidence) {
      const draw = (): number => studentT(random, haveOwnSpread(pairs) ? CLASS_DEGREES : PAIR_DEGREES);
      const suspect = isPart ? descending(known, draw) : drawSuspect(classes, pairs, draw);
      const models = [suspect, ...drawClean(known, references, draw)];
      if (shared) mix(models, shared, correlation);
      const kept = isPart ? spread(known, pairs!.telling, classes) : undefined;
      shared ??= models.map((values) => Float64Array.from(kept ?? values.keys(), (i) => values[i]!));
      if (haveOwnSpread(pairs)) stretch(models, random);
      const scores = anomalyScores(models[0]!, models.slice(1), haveOwnSpread(pairs));
      addTo(sums, scores, kept);
    }
    return maximum(sums);
  }).sort();
  if (nulls.size >= 16) nulls.clear();
  nulls.set(key, values);
  return values;
}

/** Gives each class a spread of its own, the same in all models. */
function stretch(models: readonly Float64Array[], random: Generator): void {
  for (let k = 0; k < models[0]!.length; k++) {
    const spread = Math.exp(CLASS_SPREAD * random.normal());
    for (const values of models) values[k] = spread * values[k]!;
  }
}

/** Lets draws depend on others, class by class and model by model; their variance stays. */
function mix(models: readonly Float64Array[], shared: readonly Float64Array[], correlation: number): void {
  const own = Math.sqrt(1 - correlation ** 2);
  models.forEach((values, m) => {
    for (let k = 0; k < values.length; k++)
      values[k] = own * values[k]! + correlation * (shared[m]?.[k] ?? 0);
  });
}

/** Draws in falling order, so that the first are the highest. */
const descending = (count: number, draw: () => number): Float64Array =>
  Float64Array.from({ length: count }, draw).sort().reverse();

/** The first `telling` indices and, of the rest, every so-many-th: `count` in all. */
function spread(known: number, telling: number, count: number): Uint32Array {
  const rest = known - telling;
  return Uint32Array.from({ length: count }, (_, i) =>
    i < telling ? i : telling + Math.floor(((i - telling + 0.5) * rest) / (count - telling)),
  );
}

/** The scores alone, without their null distribution. */
function anomalyScores(
  suspect: ArrayLike<number>,
  references: readonly ArrayLike<number>[],
  perClassSpread: boolean,
  otherness = ALIKE,
): Float64Array {
  const classes = suspect.length;
  const count = references.length;
  const centred = references.map(centre);
  const scores = Float64Array.from({ length: classes }, (_, k) => suspect[k]! - meanOf(centred, k));
  const middle = median(scores);
  for (let k = 0; k < classes; k++) scores[k] = scores[k]! - middle;
  if (count >= 2) divideBySpread(scores, centred, perClassSpread, otherness);
  else {
    const unit = 1.4826 * median(scores.map(Math.abs)) || 1;
    for (let k = 0; k < classes; k++) scores[k] = scores[k]! / unit;
  }
  return scores;
}

function divideBySpread(
  scores: Float64Array,
  references: readonly Float64Array[],
  perClassSpread: boolean,
  { variance: factor, bias }: Otherness,
): void {
  const count = references.length;
  const variances = Float64Array.from(scores, (_, k) => {
    const mean = meanOf(references, k);
    let sum = 0;
    for (const values of references) sum += (values[k]! - mean) ** 2;
    return sum / (count - 1);
  });
  const pooled = variances.reduce((sum, value) => sum + value, 0) / variances.length;
  for (let k = 0; k < scores.length; k++) {
    const variance = perClassSpread ? (variances[k]! + pooled) / 2 : pooled;
    // All references alike in every class: a difference counts in its own units.
    scores[k] = scores[k]! / Math.sqrt((variance || 1) * (factor + 1 / count) + bias ** 2);
  }
}

/** A model's values minus their mean: some models are easier to turn than others, in every class. */
function centre(values: ArrayLike<number>): Float64Array {
  const copy = Float64Array.from(values);
  const mean = copy.reduce((sum, value) => sum + value, 0) / copy.length;
  return copy.map((value) => value - mean);
}

function meanOf(models: readonly Float64Array[], k: number): number {
  let sum = 0;
  for (const values of models) sum += values[k]!;
  return models.length === 0 ? 0 : sum / models.length;
}

/** Statistics of a clean suspect, chosen as the pairs were. */
function drawSuspect(classes: number, pairs: ChosenPairs | undefined, draw: () => number): Float64Array {
  if (pairs === undefined || pairs.of <= classes) return Float64Array.from({ length: classes }, draw);
  const all = descending(pairs.of, draw);
  return Float64Array.from(spread(pairs.of, pairs.telling, classes), (i) => all[i]!);
}

/** Statistics of `count` clean references. */
function drawClean(classes: number, count: number, draw: () => number): Float64Array[] {
  return Array.from({ length: count }, () => Float64Array.from({ length: classes }, draw));
}

/** Student's t by Bailey's polar method: one power per draw. */
function studentT(random: Generator, degrees: number): number {
  for (;;) {
    const u = 2 * random.uniform() - 1;
    const v = 2 * random.uniform() - 1;
    const w = u * u + v * v;
    if (w > 0 && w <= 1) return u * Math.sqrt((degrees * (w ** (-2 / degrees) - 1)) / w);
  }
}

function maximum(values: Float64Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) highest = Math.max(highest, value);
  return highest;
}

/** Median of the values; the mean of the middle two for an even number. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Which layer, and which position, a label can be read off, chosen without looking at the held-out examples. */
import { AssayError } from "../errors.js";
import { type Estimate, stratifiedAuroc } from "../stats/index.js";
import {
  type Examples,
  integerLabels,
  isOneTensor,
  type Labels,
  labelValues,
  selectExamples,
} from "../tensor/index.js";
import { assignFolds, crossValidate, splitAt } from "./cross-validation.js";
import { evaluate, evaluateLogits, type ProbeEvaluation } from "./evaluate.js";
import { fitLogistic } from "./logistic/logistic.js";
import { type Site, sitesOf, type Taps } from "./sites.js";

/** A probe at every layer (and position), and an honest figure for the best one. */
export interface LayerSweep {
  readonly kind: "layer-sweep";
  /** One entry per tap and position, in the given order, with its best penalty. */
  readonly layers: readonly SweptLayer[];
  /** The layer with the highest cross-validated AUROC. */
  readonly selected: SweptLayer;
  /**
   * The whole procedure, selection included, on examples that it never saw: held-out ones, or without them the
   * outer folds of a nested cross-validation.
   */
  readonly heldOut: ProbeEvaluation;
  /** Held-out examples, or the tap (and position) that each outer fold selected for itself. */
  readonly selection: "held-out" | readonly string[];
  readonly folds: number;
  readonly seed: number;
  readonly warnings: readonly string[];
}

/** What a probe at one tap achieves. */
export interface SweptLayer {
  readonly tap: string;
  /** Position of the token, or null where the whole activation was read. */
  readonly position: number | null;
  readonly l2: number;
  /** AUROC of out-of-fold logits of the training examples. Optimistic for the selected layer. */
  readonly crossValidated: Estimate;
}

/** Options of {@link sweep}. */
export interface SweepOptions {
  readonly seed: number;
  /** Penalties to choose from, per layer. Default 0.1, 1, 10. */
  readonly l2?: readonly number[];
  /** Default 5. */
  readonly folds?: number;
  /**
   * Read taps [n, position, width] at single positions, negative ones from the end, or at all of them. Default: an
   * activation is read as a whole. Other taps are read as a whole.
   */
  readonly positions?: readonly number[] | "all";
}

/** Labelled activations at several taps, with held-out ones or without. */
export interface SweepSets {
  readonly train: Taps;
  readonly labels: Labels;
  readonly heldOut?: Taps;
  readonly heldOutLabels?: Labels;
}

/**
 * Fits a logistic probe at every tap (and position), chooses site and penalty by cross-validation on the training
 * examples, and evaluates only the chosen one on the held-out examples.
 *
 * Without held-out examples the choice is nested: in each of `folds` outer folds everything is chosen anew by
 * cross-validation inside the other folds, and judged on the fold left out. The best of many layers looks better than
 * it is: quote `heldOut`, not the top of the curve.
 *
 * A tap may come in chunks, such as `cache.chunks("relu2")`, that can be read again: one tap (and position) at a time is
 * put together up to 128 MB of floats, and read anew for each fold beyond.
 *
 * @throws AssayError INVALID_ARGUMENT if a class has fewer examples than folds, or a tap or position is missing.
 * @example
 * probes.sweep({ train: await model.activations(x, { at: taps }), labels, heldOut: …, heldOutLabels }, { seed: 1 })
 * probes.sweep({ train: await model.activations(x, { at: blocks }), labels }, { seed: 1, positions: "all" })
 */
export function sweep(sets: SweepSets, options: SweepOptions): LayerSweep {
  const { seed, l2 = [0.1, 1, 10], folds = 5 } = options;
  const { sites, n } = checkSets(sets, options, l2);
  const labels = integerLabels(sets.labels, n, "sweep");
  const layers = sites.map((site) => best(site, site.x(), labels, l2, folds, seed));
  const selected = highest(layers);
  const site = sites[layers.indexOf(selected)]!;
  const judged = sets.heldOut
    ? { heldOut: onHeldOut(site, selected, labels, sets.heldOutLabels!), selection: "held-out" as const }
    : nested(sites, labels, l2, folds, seed);
  const gap = selected.crossValidated.value - judged.heldOut.auroc.interval[1];
  const where = sets.heldOut ? "on held-out examples" : "when the selection is repeated in each fold";
  return {
    kind: "layer-sweep",
    layers,
    selected,
    ...judged,
    folds,
    seed,
    warnings: gap > 0 ? [`The selected layer does worse ${where} than in cross-validation.`] : [],
  };
}

function checkSets(
  { train, labels, heldOut, heldOutLabels }: SweepSets,
  { positions }: SweepOptions,
  l2: readonly number[],
): { sites: Site[]; n: number } {
  const names = Object.keys(train);
  const missing = heldOut && names.find((name) => !heldOut[name]);
  // How many examples chunks hold is found while they are read.
  const given = labelValues(labels, "sweep").length;
  const lengths = names.map((name) => {
    const x = train[name]!;
    return isOneTensor(x) ? (x.dims[0] ?? 0) : given;
  });
  const odd = lengths.findIndex((length) => length !== lengths[0]);
  const problem =
    names.length === 0 || l2.length === 0
      ? "at least one tap and one penalty are needed"
      : missing !== undefined
        ? `the held-out set has no tap "${missing}"`
        : (heldOut === undefined) !== (heldOutLabels === undefined)
          ? "held-out activations and their labels are given together or not at all"
          : odd >= 0
            ? `tap "${names[odd]}" has ${lengths[odd]} examples, "${names[0]}" has ${lengths[0]}`
            : undefined;
  if (problem !== undefined) throw new AssayError("INVALID_ARGUMENT", `sweep: ${problem}.`, { names, l2 });
  return { sites: sitesOf(train, heldOut, positions), n: lengths[0]! };
}

function best(
  { tap, position }: Pick<Site, "tap" | "position">,
  x: Examples,
  labels: Int32Array,
  l2: readonly number[],
  folds: number,
  seed: number,
): SweptLayer {
  const estimates = crossValidate(x, labels, assignFolds(labels, folds, seed, "sweep"), folds, l2);
  return highest(estimates.map((crossValidated, k) => ({ tap, position, l2: l2[k]!, crossValidated })));
}

/** The first of the best, so that ties go to the earlier layer and the smaller penalty. */
const highest = (candidates: readonly SweptLayer[]): SweptLayer =>
  candidates.reduce((a, b) => (b.crossValidated.value > a.crossValidated.value ? b : a));

function onHeldOut(
  site: Site,
  { l2 }: SweptLayer,
  labels: Int32Array,
  heldOutLabels: Labels,
): ProbeEvaluation {
  return evaluate(fitLogistic(site.x(), labels, { l2 }), site.heldOut!(), heldOutLabels);
}

/** Outer folds: selection inside, judgement outside. */
function nested(
  sites: readonly Site[],
  labels: Int32Array,
  l2: readonly number[],
  folds: number,
  seed: number,
): { heldOut: ProbeEvaluation; selection: readonly string[] } {
  const outer = assignFolds(labels, folds, seed, "sweep");
  const logits = new Float64Array(labels.length);
  const splits = Array.from({ length: folds }, (_, fold) => splitAt(outer, fold));
  const choices = splits.map(({ inside, outside }, fold) => {
    const own = Int32Array.from(inside, (i) => labels[i]!);
    const isInside = (i: number): boolean => outer[i] !== fold;
    const candidates = sites.map((site) =>
      best(site, selectExamples(site.x(), isInside), own, l2, folds, seed),
    );
    const chosen = highest(candidates);
    const x = sites[candidates.indexOf(chosen)]!.x();
    const probe = fitLogistic(selectExamples(x, isInside), own, { l2: chosen.l2 });
    probe.logits(selectExamples(x, (i) => !isInside(i))).forEach((logit, k) => {
      logits[outside[k]!] = logit;
    });
    return chosen.position === null ? chosen.tap : `${chosen.tap} @ ${chosen.position}`;
  });
  const classes = [Math.min(...labels), Math.max(...labels)] as const;
  const pooled = evaluateLogits(
    { method: "logistic, nested selection", classes, warnings: [] },
    logits,
    labels,
  );
  const auroc = stratifiedAuroc(
    splits.map(({ outside }) => ({
      negatives: outside.filter((i) => labels[i] === classes[0]).map((i) => logits[i]!),
      positives: outside.filter((i) => labels[i] === classes[1]).map((i) => logits[i]!),
    })),
  );
  return { heldOut: { ...pooled, auroc, roc: { ...pooled.roc, auroc } }, selection: choices };
}

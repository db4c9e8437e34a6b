/** Samples of the results that judge a model: specification, probes, Gaussian scores. */
import {
  clusterClasses,
  covarianceSpectrum,
  detect,
  fitGaussian,
  fitNearestNeighbours,
} from "../../../../lib/anomaly/index.js";
import { evaluate, fewShot, fitLogistic, sweep } from "../../../../lib/probes/index.js";
import { generator } from "../../../../lib/random/index.js";
import type { SpecificationReport } from "../../../../lib/spec/index.js";
import {
  clopperPearson,
  compareAuroc,
  confusionMatrix,
  detCurve,
  kolmogorovSmirnov,
  monteCarloNull,
  permutationTest,
  precisionRecallCurve,
  reliability,
  rocCurve,
} from "../../../../lib/stats/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";

const random = generator(1);
const draw = (n: number, shift: number): Tensor<"float64"> =>
  tensor(
    "float64",
    [n, 4],
    Float64Array.from({ length: n * 4 }, () => random.normal() + shift),
  );
const labels = Array.from({ length: 80 }, (_, i) => Number(i >= 40));
const x = tensor("float64", [80, 4], Float64Array.of(...draw(40, 0).data, ...draw(40, 1).data));
const probe = fitLogistic(x, labels);
const evaluation = evaluate(probe, x, labels);
const gaussian = fitGaussian(draw(100, 0));
const detection = detect({
  clean: gaussian.mahalanobis(draw(200, 0)),
  suspect: gaussian.mahalanobis(draw(60, 2)),
});

/** The samples by kind; `hostile` is a name from a stranger's model. */
export const auditSamples = (hostile: string) => ({
  "roc-curve": [evaluation.roc, rocCurve({ negatives: [0], positives: [0] })],
  "auroc-comparison": [compareAuroc(evaluation.logits, evaluation.logits)],
  probe: [probe, { ...probe, method: hostile, warnings: [hostile] }],
  "probe-evaluation": [evaluation, { ...evaluation, method: hostile, warnings: [hostile] }],
  detector: [fitNearestNeighbours(x), { ...fitNearestNeighbours(x), name: hostile, warnings: [hostile] }],
  "class-clustering": [
    clusterClasses(x, labels, { seed: 1, nullDraws: 19 }),
    { kind: "class-clustering" as const, classes: [], seed: 1, warnings: [hostile] },
  ],
  "covariance-spectrum": [covarianceSpectrum(draw(60, 0)), covarianceSpectrum(draw(4, 0))],
  "det-curve": [
    detCurve(evaluation.logits, { seed: 1, resamples: 100 }),
    detCurve({ negatives: [0, 0], positives: [0, 0] }, { seed: 1, resamples: 100 }),
  ],
  "confusion-matrix": [
    confusionMatrix(
      labels,
      labels.map((label, i) => (i % 7 === 0 ? 2 : label)),
      { names: ["bag", hostile] },
    ),
    confusionMatrix([1], [1]),
  ],
  "monte-carlo-null": [
    monteCarloNull((stream) => stream.normal(), { seed: 1, draws: 99 }),
    monteCarloNull(() => 0, { seed: 1, draws: 19 }),
  ],
  reliability: [reliability({ probabilities: probe.probabilities(x), outcomes: labels })],
  "precision-recall-curve": [precisionRecallCurve(evaluation.logits)],
  "permutation-test": [
    permutationTest([detection.clean, detection.suspect], ([a, b]) => b![0]! - a![0]!, {
      seed: 1,
      permutations: 99,
    }),
  ],
  "goodness-of-fit": [kolmogorovSmirnov(detection.pValues, (u) => u)],
  "layer-sweep": [
    sweep(
      {
        train: { [hostile]: x, second: x },
        labels,
        heldOut: { [hostile]: x, second: x },
        heldOutLabels: labels,
      },
      { seed: 1 },
    ),
    sweep(
      { train: { [hostile]: tensor("float64", [80, 2, 2], x.data), whole: x }, labels },
      { seed: 1, positions: "all", l2: [1], folds: 3 },
    ),
  ],
  "few-shot-curve": [
    fewShot(
      { train: { x, labels }, heldOut: { x, labels } },
      {
        seed: 1,
        fit: fitLogistic,
        controls: { [hostile]: { train: { x, labels }, heldOut: { x, labels } } },
      },
    ),
  ],
  gaussian: [gaussian, { ...gaussian, method: hostile, warnings: [hostile] }],
  detection: [detection, { ...detection, warnings: [hostile] }],
  "specification-report": [
    specificationReport("fashion.onnx", ""),
    specificationReport(hostile, hostile),
    { ...specificationReport("m", ""), clauses: [] },
  ],
});

function specificationReport(model: string, note: string): SpecificationReport {
  const image = tensor(
    "float32",
    [1, 4, 4],
    Float32Array.from({ length: 16 }, (_, i) => i / 16),
  );
  const clause = { type: "accuracy", atLeast: 0.9 } as const;
  const rated = { clause, allowed: 0.1, evidence: "data", note } as const;
  const none = { violationRate: null, violations: 0, n: 0, counterexample: null } as const;
  return {
    kind: "specification-report",
    specification: { kind: "specification", domain: { type: "image", range: [0, 1] }, clauses: [clause] },
    model,
    clauses: [
      {
        ...rated,
        statement: "answers the label on at least 90 % of inputs",
        verdict: "holds",
        violationRate: clopperPearson(12, 300),
        violations: 12,
        n: 300,
        counterexample: null,
      },
      {
        ...rated,
        statement: `noise of up to 0.1 changes the answer ${note}`,
        verdict: "violated",
        violationRate: clopperPearson(120, 300),
        violations: 120,
        n: 300,
        counterexample: {
          index: 7,
          input: image,
          text: note,
          original: image,
          label: 3,
          predicted: 5,
          expected: 3,
          how: "scaled down to 3/64 of the change",
        },
      },
      {
        ...rated,
        ...none,
        evidence: "none",
        statement: "accuracy differs between groups by at most 5 %",
        verdict: "not checked",
        note: "needs groups",
      },
    ],
    n: 300,
    level: 0.95,
    seed: 1,
    forwardPasses: 664,
    stoppingRule: "all 300 examples, fixed beforehand",
  };
}

import assert from "node:assert/strict";
import * as anomaly from "../../lib/anomaly/index.js";
import { AssayError, type ErrorCode } from "../../lib/errors.js";
import * as probes from "../../lib/probes/index.js";
import { generator } from "../../lib/random/index.js";
import * as stats from "../../lib/stats/index.js";
import { type Examples, type Labels, type Tensor, tensor } from "../../lib/tensor/index.js";

const [n, d] = [48, 6];
const draw = (count: number, width: number, seed: number): Tensor<"float64"> => {
  const random = generator(seed);
  const data = Float64Array.from({ length: count * width }, () => random.normal());
  return tensor("float64", [count, width], data);
};
const good = draw(n, d, 1);
const labels = Array.from({ length: n }, (_, i) => i % 2);
const changed = (change: (value: number, example: number, feature: number) => number): Tensor => ({
  ...good,
  data: good.data.map((value, at) => change(value, Math.floor(at / d), at % d)),
});

type Score = (y: Examples) => ArrayLike<number>;
type Fit = (x: Tensor, labels: Labels) => Score;
type Names<T> = Extract<keyof T, `fit${string}`>;

const pairsOf = (x: Tensor) => ({ positive: x, negative: draw(x?.dims?.[0] ?? 0, x?.dims?.[1] ?? 0, 9) });
const layersOf = (x: Tensor) => ({ a: x, b: x });

/** Every fit of anomaly and probes: one that is missing here does not compile. `usesLabels` where labels are given. */
const fits: {
  readonly [K in Names<typeof anomaly> | Names<typeof probes>]: {
    readonly fit: Fit;
    readonly usesLabels?: true;
  };
} = {
  fitGaussian: { fit: (x) => anomaly.fitGaussian(x).mahalanobis },
  fitDiagonalGaussian: { fit: (x) => anomaly.fitDiagonalGaussian(x).scores },
  fitClassGaussian: { fit: (x, l) => anomaly.fitClassGaussian(x, l).scores, usesLabels: true },
  fitRelativeGaussian: { fit: (x, l) => anomaly.fitRelativeGaussian(x, l).scores, usesLabels: true },
  fitNearestNeighbours: { fit: (x) => anomaly.fitNearestNeighbours(x).scores },
  fitPcaResidual: { fit: (x) => anomaly.fitPcaResidual(x, { variance: 0.6 }).scores },
  fitQue: { fit: (x) => anomaly.fitQue(x, x).scores },
  fitSpectralSignature: { fit: (x) => anomaly.fitSpectralSignature(x).scores },
  fitSpectre: { fit: (x) => anomaly.fitSpectre(x).scores },
  fitActivationClustering: {
    fit: (x) => anomaly.fitActivationClustering(x, { seed: 1, nullDraws: 0 }).scores,
  },
  fitBeatrix: { fit: (x) => anomaly.fitBeatrix(x).scores },
  fitLayerwise: {
    fit: (x) => {
      const { scores } = anomaly.fitLayerwise({ a: x, b: draw(x?.dims?.[0] ?? 0, 3, 4) });
      return (y) => scores({ a: y, b: draw((y as Tensor).dims?.[0] ?? 0, 3, 5) });
    },
  },
  fitLayers: {
    fit: (x) => {
      const fitOne = (own: Examples) => anomaly.fitDiagonalGaussian(own);
      const { scores } = anomaly.fitLayers(layersOf(x), layersOf(draw(20, x?.dims?.[1] ?? 0, 6)), {
        fit: fitOne,
      });
      return (y) => scores(layersOf(y as Tensor));
    },
  },
  fitLogistic: { fit: (x, l) => probes.fitLogistic(x, l).logits, usesLabels: true },
  fitLda: { fit: (x, l) => probes.fitLda(x, l).logits, usesLabels: true },
  fitDifferenceOfMeans: { fit: (x, l) => probes.fitDifferenceOfMeans(x, l).logits, usesLabels: true },
  fitEraser: {
    fit: (x, l) => {
      const eraser = probes.fitEraser(x, l);
      return (y) => eraser.apply(y as Tensor).data;
    },
    usesLabels: true,
  },
  fitContrast: { fit: (x) => probes.fitContrast(pairsOf(x)).logits },
  fitContrastVariation: { fit: (x) => probes.fitContrastVariation(pairsOf(x)).logits },
};

/** The error that a fit must throw, naming what was wrong; never another exception, never NaN. */
function refuses(run: () => unknown, codes: readonly ErrorCode[], message: RegExp): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof AssayError, `${error}`);
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /undefined|\[object/);
    return true;
  });
}

interface BadInput {
  readonly name: string;
  readonly x: Tensor;
  readonly codes: readonly ErrorCode[];
  readonly message: RegExp;
}
const words = tensor("string", [n, d], Array<string>(n * d).fill("cat"));
const examples: readonly BadInput[] = [
  {
    name: "NaN",
    x: changed((value, i, j) => (i === 3 && j === 2 ? Number.NaN : value)),
    codes: ["NOT_FINITE"],
    message: /example 3, feature 2 is NaN/,
  },
  {
    name: "infinity",
    x: changed((value, i) => (i === 7 ? Number.POSITIVE_INFINITY : value)),
    codes: ["NOT_FINITE"],
    message: /example 7, feature 0 is Infinity/,
  },
  {
    name: "no examples",
    x: tensor("float64", [0, d], new Float64Array()),
    codes: ["SHAPE_MISMATCH"],
    message: /at least one example/,
  },
  {
    name: "dims that lie about the data",
    x: { type: "float64", dims: [n, d + 1], data: good.data },
    codes: ["SHAPE_MISMATCH"],
    message: /288/,
  },
  { name: "words", x: words, codes: ["TYPE_MISMATCH", "UNSUPPORTED_TYPE"], message: /string|number|text/i },
  {
    name: "a plain array",
    x: [1, 2, 3] as unknown as Tensor,
    codes: ["TYPE_MISMATCH"],
    message: /expected a tensor/,
  },
  {
    name: "nothing",
    x: undefined as unknown as Tensor,
    codes: ["TYPE_MISMATCH"],
    message: /expected a tensor/,
  },
];

interface BadLabels {
  readonly name: string;
  readonly labels: Labels;
  readonly codes: readonly ErrorCode[];
  readonly message: RegExp;
}
const wrongLabels: readonly BadLabels[] = [
  { name: "too few labels", labels: [0, 1], codes: ["SHAPE_MISMATCH"], message: /48.*2/s },
  { name: "too many labels", labels: [...labels, 1], codes: ["SHAPE_MISMATCH"], message: /48.*49/s },
  {
    name: "categorical strings",
    labels: labels.map((label) => (label ? "shirt" : "bag")) as unknown as number[],
    codes: ["TYPE_MISMATCH"],
    message: /the text "bag", expected an integer/,
  },
  {
    name: "a tensor of strings",
    labels: tensor("string", [n], labels.map(String)),
    codes: ["TYPE_MISMATCH"],
    message: /the text "0", expected an integer/,
  },
  {
    name: "no labels",
    labels: undefined as unknown as Labels,
    codes: ["TYPE_MISMATCH"],
    message: /expected labels .* got nothing/,
  },
  {
    name: "fractions",
    labels: labels.map((label) => label + 0.5),
    codes: ["TYPE_MISMATCH"],
    message: /0\.5/,
  },
  {
    name: "NaN as a label",
    labels: labels.map((label, i) => (i === 5 ? Number.NaN : label)),
    codes: ["TYPE_MISMATCH"],
    message: /NaN/,
  },
];

describe("bad input: one clear error, or a stated fallback", () => {
  for (const [name, { fit: make, usesLabels }] of Object.entries(fits)) {
    for (const { name: what, x, codes, message } of examples) {
      it(`${name} refuses ${what}`, () => refuses(() => make(x, labels), codes, message));
    }

    it(`${name} refuses features that never vary, or gives finite scores`, () => {
      const constant = changed(() => 2);
      try {
        assert.ok(Array.from(make(constant, labels)(good)).every(Number.isFinite));
      } catch (error) {
        refuses(
          () => {
            throw error;
          },
          ["SINGULAR_COVARIANCE", "INVALID_ARGUMENT"],
          /vary|differ|singular/,
        );
      }
    });

    it(`${name} gives finite scores although one feature never varies`, () => {
      const scores = make(
        changed((value, _, j) => (j === 4 ? 3 : value)),
        labels,
      )(good);
      assert.ok(scores.length > 0 && Array.from(scores).every(Number.isFinite));
    });

    it(`${name} gives finite scores with fewer examples than features`, () => {
      const wide = draw(16, 40, 3);
      const scores = make(wide, labels.slice(0, 16))(draw(5, 40, 4));
      assert.ok(scores.length > 0 && Array.from(scores).every(Number.isFinite));
    });

    it(`${name} refuses a single example, or gives finite scores`, () => {
      const one = draw(1, d, 7);
      try {
        assert.ok(Array.from(make(one, [1])(good)).every(Number.isFinite));
      } catch (error) {
        refuses(
          () => {
            throw error;
          },
          ["INVALID_ARGUMENT", "SINGULAR_COVARIANCE"],
          /\d|vary/,
        );
      }
    });

    it(`${name} refuses to score NaN, other widths, and nothing`, () => {
      const score = make(good, labels);
      const bad = tensor("float64", [1, d], Float64Array.of(0, 0, 0, Number.NaN, 0, 0));
      refuses(() => score(bad), ["NOT_FINITE"], /NaN/);
      refuses(() => score(draw(4, d + 1, 8)), ["SHAPE_MISMATCH"], /\d/);
      refuses(
        () => score(tensor("float64", [0, d], new Float64Array())),
        ["SHAPE_MISMATCH"],
        /at least one example/,
      );
    });

    if (usesLabels) {
      for (const { name: what, labels: wrong, codes, message } of wrongLabels) {
        it(`${name} refuses ${what}`, () => refuses(() => make(good, wrong), codes, message));
      }

      it(`${name} refuses a single class, or treats it as the only one`, () => {
        const one = labels.map(() => 1);
        if (name.endsWith("Gaussian")) {
          assert.ok(Array.from(make(good, one)(good)).every(Number.isFinite));
          return;
        }
        refuses(() => make(good, one), ["INVALID_ARGUMENT"], /all 48 labels are 1/);
      });
    }
  }
});

/** Everything that compares the scores of two groups. */
const ofGroups: Readonly<Record<string, (samples: stats.TwoSamples) => unknown>> = {
  auroc: (samples) => stats.auroc(samples),
  stratifiedAuroc: (samples) => stats.stratifiedAuroc([samples]),
  partialAuroc: (samples) => stats.partialAuroc(0.1, samples),
  truePositiveRateAt: (samples) => stats.truePositiveRateAt(0.1, samples),
  rocCurve: (samples) => stats.rocCurve(samples),
  detCurve: (samples) => stats.detCurve(samples, { seed: 1, resamples: 100 }),
  precisionRecallCurve: (samples) => stats.precisionRecallCurve(samples),
  compareAuroc: (samples) => stats.compareAuroc(samples, samples),
  mannWhitneyPValue: (samples) => stats.mannWhitneyPValue(samples),
};
const ofForecasts: Readonly<Record<string, (forecasts: stats.Forecasts) => unknown>> = {
  brierScore: (forecasts) => stats.brierScore(forecasts),
  logLoss: (forecasts) => stats.logLoss(forecasts),
  reliability: (forecasts) => stats.reliability(forecasts),
};

describe("bad input of statistics: one clear error", () => {
  for (const [name, compute] of Object.entries(ofGroups)) {
    it(`${name} names the group that is empty, and the score that is NaN`, () => {
      refuses(() => compute({ negatives: [], positives: [1, 2] }), ["INVALID_ARGUMENT"], /no negatives/);
      refuses(() => compute({ negatives: [1, 2], positives: [] }), ["INVALID_ARGUMENT"], /no positives/);
      refuses(
        () => compute({ negatives: [1, 2], positives: [3, Number.NaN] }),
        ["NOT_FINITE"],
        /positives\[1\] is NaN/,
      );
    });

    it(`${name} survives scores that are all equal`, () => {
      assert.doesNotThrow(() => compute({ negatives: [1, 1, 1], positives: [1, 1] }));
    });
  }

  for (const [name, compute] of Object.entries(ofForecasts)) {
    it(`${name} refuses what is no forecast`, () => {
      refuses(() => compute({ probabilities: [], outcomes: [] }), ["SHAPE_MISMATCH"], /at least one/);
      refuses(() => compute({ probabilities: [0.5, 0.5], outcomes: [1] }), ["SHAPE_MISMATCH"], /2 .* 1/);
      for (const wrong of [Number.NaN, -0.1, 1.1]) {
        refuses(
          () => compute({ probabilities: [0.5, wrong], outcomes: [1, 0] }),
          ["INVALID_ARGUMENT"],
          /forecast 1/,
        );
      }
      refuses(
        () => compute({ probabilities: [0.5, 0.5], outcomes: [1, 2] }),
        ["INVALID_ARGUMENT"],
        /outcome 2/,
      );
    });
  }
});

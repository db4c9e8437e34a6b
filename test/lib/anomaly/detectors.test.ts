import assert from "node:assert/strict";
import type * as anomaly from "../../../lib/anomaly/index.js";
import {
  clusterClasses,
  type Detector,
  fitActivationClustering,
  fitBeatrix,
  fitClassGaussian,
  fitDiagonalGaussian,
  fitGaussian,
  fitLayers,
  fitLayerwise,
  fitNearestNeighbours,
  fitPcaResidual,
  fitQue,
  fitRelativeGaussian,
  fitSpectralSignature,
  fitSpectre,
  type LayerwiseDetector,
  strip,
} from "../../../lib/anomaly/index.js";
import { AssayError } from "../../../lib/errors.js";
import { generator } from "../../../lib/random/index.js";
import { auroc } from "../../../lib/stats/index.js";
import { type Examples, type Tensor, tensor, toFloat64 } from "../../../lib/tensor/index.js";
import { readFixture } from "../../support/fixtures.js";

const table = (n: number, d: number, values: Iterable<number>): Tensor<"float64"> =>
  tensor("float64", [n, d], Float64Array.from(values));
const draw = (n: number, d: number, seed: number, shift = 0): Tensor<"float64"> => {
  const random = generator(seed);
  return table(
    n,
    d,
    Array.from({ length: n * d }, (_, at) => random.normal() * (1 + (at % d) / d) + shift),
  );
};
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9): void => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * (1 + Math.abs(expected[i]!)),
      `${i}: ${actual[i]} ${expected[i]}`,
    );
  }
};
const [n, d] = [120, 6];
const clean = draw(n, d, 1);
const labels = Array.from({ length: n }, (_, i) => i % 3);

type FitName = Extract<keyof typeof anomaly, `fit${string}`>;
type Prepare = (batch: Tensor) => Pick<Detector, "scores">;

/** A table cut into two layers of half its features. */
const inLayers = (x: Tensor): Readonly<Record<string, Tensor>> => {
  const count = x.dims[0]!;
  const values = toFloat64(x);
  const half = (from: number): Tensor =>
    table(
      count,
      3,
      Array.from(
        { length: count * 3 },
        (_, at) => values[Math.floor(at / 3) * (x.dims[1] ?? 1) + from + (at % 3)]!,
      ),
    );
  if (x.dims[1] !== d) throw new AssayError("SHAPE_MISMATCH", "another number of features", {});
  return { first: half(0), second: half(3) };
};
const ofLayers = (detector: Pick<LayerwiseDetector, "scores">): Pick<Detector, "scores"> => ({
  scores: (y) => detector.scores(inLayers(y as Tensor)),
});
const joined = (combine: "mean" | "max" | "fisher"): Prepare => {
  const fitOne = (x: Examples) => ({ scores: fitGaussian(x).mahalanobis });
  return () => ofLayers(fitLayers(inLayers(clean), inLayers(draw(60, d, 8)), { fit: fitOne, combine }));
};

/**
 * Every detector, fitted to clean examples and, where it needs one, to the batch it will score. A function of
 * `anomaly` whose name begins with "fit" and that is missing here does not compile: it joins the contract at once.
 */
const fits: Readonly<Record<FitName, Readonly<Record<string, Prepare>>>> = {
  fitGaussian: {
    "full Gaussian": () => ({ scores: fitGaussian(clean).mahalanobis }),
    "Gaussian, log density": () => {
      const gaussian = fitGaussian(clean, { shrinkage: "oas" });
      return { scores: (y) => gaussian.logDensity(y).map((value) => -value) };
    },
  },
  fitDiagonalGaussian: { "diagonal Gaussian": () => fitDiagonalGaussian(clean) },
  fitClassGaussian: {
    "class-conditional Gaussian, tied": () => fitClassGaussian(clean, labels),
    "class-conditional Gaussian, own covariances": () =>
      fitClassGaussian(clean, labels, { covariance: "own" }),
  },
  fitRelativeGaussian: { "relative Gaussian": () => fitRelativeGaussian(clean, labels) },
  fitNearestNeighbours: { kNN: () => fitNearestNeighbours(clean) },
  fitPcaResidual: { "PCA residual": () => fitPcaResidual(clean, { variance: 0.7 }) },
  fitQue: { QUE: (batch) => fitQue(clean, batch) },
  fitSpectralSignature: { "spectral signature": (batch) => fitSpectralSignature(batch) },
  fitSpectre: { SPECTRE: (batch) => fitSpectre(batch) },
  fitActivationClustering: {
    "activation clustering": (batch) => fitActivationClustering(batch, { seed: 1, nullDraws: 0 }),
  },
  fitBeatrix: { Beatrix: () => fitBeatrix(clean) },
  fitLayerwise: { "layerwise convergence": () => ofLayers(fitLayerwise(inLayers(clean))) },
  fitLayers: {
    "mean of layers": joined("mean"),
    "highest of layers": joined("max"),
    "Fisher over layers": joined("fisher"),
  },
};

/** A model of two classes that answers by the sum of its inputs: large sums stay large under any overlay. */
const bySum = {
  outputs: [{ name: "logits", type: "float32" as const, dims: ["n", 2] }],
  run: async (inputs: unknown): Promise<Record<string, Tensor>> => {
    const x = inputs as Tensor;
    const count = x.dims[0]!;
    const values = toFloat64(x);
    const logits = Float32Array.from({ length: count * 2 }, (_, at) =>
      at % 2 ? 0 : values.subarray((at / 2) * d, (at / 2 + 1) * d).reduce((sum, value) => sum + value, 0),
    );
    return { logits: tensor("float32", [count, 2], logits) };
  },
};
const detectors = Object.assign(
  { STRIP: () => ({ scores: (y: Tensor) => strip(bySum, y, { overlays: clean, seed: 1 }) }) },
  ...Object.values(fits),
) as Readonly<Record<string, (batch: Tensor) => { scores(y: Tensor): Float64Array | Promise<Float64Array> }>>;

/** Least AUROC of those that gross anomalies do not suit. */
const weak: Readonly<Record<string, number>> = {
  // Relative distances cancel most of what a shift of everything adds.
  "relative Gaussian": 0.5,
  // Steps between layers cancel it, too; three features are left.
  "layerwise convergence": 0.9,
  // All that exceeds the calibration scores counts alike.
  "Fisher over layers": 0.9,
};

describe("every anomaly detector", () => {
  const batch = table(100, d, [...draw(90, d, 2).data, ...draw(10, d, 3, 6).data]);
  for (const [name, prepare] of Object.entries(detectors)) {
    it(`gives higher scores to gross anomalies (${name})`, async () => {
      const scores = await prepare(batch).scores(batch);
      const { value } = auroc({ negatives: scores.subarray(0, 90), positives: scores.subarray(90) });
      assert.ok(value > (weak[name] ?? 0.95), String(value));
    });

    it(`permutes its scores with the examples (${name})`, async () => {
      const detector = prepare(batch);
      const scores = await detector.scores(batch);
      const order = [...generator(4).permutation(100)];
      const shuffled = table(
        100,
        d,
        order.flatMap((i) => [...batch.data.subarray(i * d, (i + 1) * d)]),
      );
      near(
        await detector.scores(shuffled),
        order.map((i) => scores[i]!),
        1e-10,
      );
    });

    it(`gives the same scores to the same batch twice, and finite ones (${name})`, async () => {
      const [once, twice] = [await prepare(batch).scores(batch), await prepare(batch).scores(batch)];
      assert.deepEqual(once, twice);
      assert.ok(once.every(Number.isFinite));
    });

    it(`refuses another number of features and NaN (${name})`, async () => {
      const detector = prepare(batch);
      const scored = async (y: Tensor): Promise<Float64Array> => detector.scores(y);
      await assert.rejects(scored(draw(5, d + 1, 1)), { code: "SHAPE_MISMATCH" });
      await assert.rejects(scored(table(1, d, [0, 0, 0, Number.NaN, 0, 0])), { code: "NOT_FINITE" });
    });

    it(`stays defined as more and more of the batch is anomalous (${name})`, async () => {
      for (const bad of [0, 1, 30, 59]) {
        const mixed = table(60, d, [...draw(60 - bad, d, 5).data, ...(bad ? draw(bad, d, 6, 5).data : [])]);
        const scores = await prepare(mixed).scores(mixed);
        assert.ok(scores.every(Number.isFinite), `${bad} of 60`);
      }
    });
  }
});

describe("anomaly.fitClassGaussian", () => {
  it("has the mixture's log density, as SciPy sums it up", () => {
    const {
      x,
      y,
      labels: own,
      n,
      d: width,
      tiedLogDensity,
      ownLogDensity,
    } = readFixture<{
      mixture: Readonly<Record<"x" | "y" | "labels" | "tiedLogDensity" | "ownLogDensity", number[]>> & {
        n: number;
        d: number;
      };
    }>("sklearn", "clustering.json").mixture;
    const [given, suspects] = [table(n, width, x), table(y.length / width, width, y)];
    near(fitClassGaussian(given, own).logDensity(suspects), tiedLogDensity);
    const separate = fitClassGaussian(given, own, { covariance: "own" });
    near(separate.logDensity(suspects), ownLogDensity);
    near(
      separate.scores(suspects),
      ownLogDensity.map((value) => -value),
    );
  });
});

describe("anomaly.fitActivationClustering", () => {
  const reference = readFixture<{
    clustering: {
      n: number;
      d: number;
      x: number[];
      smaller: number[];
      silhouette: number;
      nearness: number[];
    };
  }>("sklearn", "clustering.json").clustering;
  const batch = table(reference.n, reference.d, reference.x);

  it("finds scikit-learn's groups, silhouette and distances", () => {
    const found = fitActivationClustering(batch, { seed: 1, components: 4, nullDraws: 0 });
    assert.deepEqual([...found.isSmaller], reference.smaller);
    near([found.silhouette], [reference.silhouette]);
    near(found.scores(batch), reference.nearness, 1e-8);
  });

  it("takes two clouds for two, and does not take one cloud for two", () => {
    const two = table(120, 6, [...draw(100, 6, 1).data, ...draw(20, 6, 2, 5).data]);
    const found = fitActivationClustering(two, { seed: 3, nullDraws: 39 });
    assert.ok(found.pValue === 1 / 40 && Math.abs(found.smallerShare - 1 / 6) < 0.02, String(found.pValue));
    assert.deepEqual(found.warnings, []);
    let low = 0;
    for (let seed = 0; seed < 40; seed++) {
      const one = fitActivationClustering(draw(60, 6, 100 + seed), { seed, nullDraws: 19, restarts: 3 });
      low += Number(one.pValue! <= 0.1);
    }
    // Expected 4; a deviation is 1.9.
    assert.ok(low <= 10, `${low} of 40`);
  });

  it("points at the class that holds two kinds, and at none where all are alike", () => {
    const classes = [0, 1, 2, 3, 4];
    const batchOf = (poisoned: number | undefined): { x: Tensor; labels: number[] } => ({
      x: table(
        400,
        6,
        classes.flatMap((k) =>
          k === poisoned
            ? [...draw(60, 6, k).data, ...draw(20, 6, 50 + k, 4).data]
            : [...draw(80, 6, k).data],
        ),
      ),
      labels: Array.from({ length: 400 }, (_, i) => Math.floor(i / 80)),
    });
    const options = { seed: 1, nullDraws: 0 };
    const suspicious = (poisoned: number | undefined): number[] => {
      const { x, labels: own } = batchOf(poisoned);
      return clusterClasses(x, own, options)
        .classes.filter(({ isSuspicious }) => isSuspicious)
        .map(({ label }) => label);
    };
    assert.deepEqual(suspicious(2), [2]);
    assert.deepEqual(suspicious(undefined), []);
    assert.match(
      clusterClasses(batchOf(1).x, labelsOf(400, 2), options).warnings[0]!,
      /Fewer than 4 classes/,
    );
  });
});

const labelsOf = (count: number, classes: number): number[] =>
  Array.from({ length: count }, (_, i) => i % classes);

describe("anomaly.fitLayers", () => {
  const [one, two] = [draw(80, 4, 1), draw(80, 4, 2)];
  const fitOne = (x: Examples) => ({ scores: fitGaussian(x).mahalanobis });
  const calibration = { a: draw(40, 4, 3), b: draw(40, 4, 4) };

  it("joins scores that are standardised on the calibration set", () => {
    const batch = { a: draw(10, 4, 5, 1), b: draw(10, 4, 6) };
    const scaled = (["a", "b"] as const).map((name) => {
      const gaussian = fitGaussian({ a: one, b: two }[name]);
      const own = gaussian.mahalanobis(calibration[name]);
      const mean = own.reduce((sum, v) => sum + v, 0) / 40;
      const deviation = Math.sqrt(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 39);
      return gaussian.mahalanobis(batch[name]).map((score) => (score - mean) / deviation);
    });
    const joint = (combine: "mean" | "max") =>
      fitLayers({ a: one, b: two }, calibration, { fit: fitOne, combine });
    near(
      joint("mean").scores(batch),
      scaled[0]!.map((score, i) => (score + scaled[1]![i]!) / 2),
    );
    near(
      joint("max").scores(batch),
      scaled[0]!.map((score, i) => Math.max(score, scaled[1]![i]!)),
    );
  });

  it("names a layer that is missing, and calibration scores that do not vary", () => {
    const layers = { a: one, b: two };
    assert.throws(() => fitLayers(layers, { a: calibration.a }, { fit: fitOne }), {
      code: "SHAPE_MISMATCH",
      message: /"b" is missing/,
    });
    assert.throws(() => fitLayers(layers, { a: draw(1, 4, 1), b: draw(1, 4, 1) }, { fit: fitOne }), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => fitLayers({}, {}, { fit: fitOne }), { code: "INVALID_ARGUMENT" });
    assert.throws(
      () => fitLayers(layers, calibration, { fit: fitOne }).scores({ a: one, b: draw(3, 4, 1) }),
      {
        code: "SHAPE_MISMATCH",
      },
    );
  });
});

describe("anomaly detectors agree with scikit-learn", () => {
  const reference = readFixture<{
    detectors: Readonly<
      Record<
        "x" | "y" | "labels" | "classConditional" | "relative" | "neighbours" | "pcaResidual" | "diagonal",
        number[]
      >
    > & { n: number; d: number };
  }>("sklearn", "detectors.json").detectors;
  const x = table(reference.n, reference.d, reference.x);
  const y = table(reference.y.length / reference.d, reference.d, reference.y);
  it("class-conditional and relative Mahalanobis distance", () => {
    near(fitClassGaussian(x, reference.labels).scores(y), reference.classConditional);
    near(fitRelativeGaussian(x, reference.labels).scores(y), reference.relative);
  });
  it("k nearest neighbours of standardised features", () =>
    near(fitNearestNeighbours(x).scores(y), reference.neighbours));
  it("PCA residual", () => near(fitPcaResidual(x, { variance: 0.9 }).scores(y), reference.pcaResidual));
  it("diagonal Gaussian", () => near(fitDiagonalGaussian(x).scores(y), reference.diagonal));
});

describe("anomaly.fitQue", () => {
  /** Corners of a box with half sides a and b, turned by 45 degrees: covariance R diag(a², b²) Rᵀ. */
  const box = (a: number, b: number): Tensor<"float64"> =>
    table(
      4,
      2,
      [
        [a, b],
        [a, -b],
        [-a, b],
        [-a, -b],
      ].flatMap(([u, v]) => [(u! - v!) / Math.SQRT2, (u! + v!) / Math.SQRT2]),
    );

  it("has the analytic value in two dimensions, which an element-wise exponential misses", () => {
    const scores = fitQue(box(1, 1), box(1, Math.sqrt(3))).scores(
      table(2, 2, [Math.SQRT1_2, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT1_2]),
    );
    // S = R diag(1, 3) Rᵀ, so Q = R diag(1, e⁴) Rᵀ / (1 + e⁴); the two points are R's columns.
    const e4 = Math.exp(4);
    near(scores, [1 / (1 + e4), e4 / (1 + e4)], 1e-12);
    // exp of the entries of 4 (S - 1) / 2 = [[2, -2], [-2, 2]] would give these instead.
    const wrong = [Math.exp(2) + Math.exp(-2), Math.exp(2) - Math.exp(-2)].map(
      (value) => value / (2 * Math.exp(2)),
    );
    assert.ok(Math.abs(scores[1]! - Math.max(...wrong)) > 0.1);
  });

  it("whitens: rescaling a feature changes nothing", () => {
    const scaled = ({ data }: Tensor<"float64">): Tensor =>
      table(
        data.length / 6,
        6,
        data.map((value, at) => (at % 6 === 0 ? 10 * value : value)),
      );
    const batch = draw(80, 6, 9);
    const [a, b] = [
      fitQue(clean, batch).scores(batch),
      fitQue(scaled(clean), scaled(batch)).scores(scaled(batch)),
    ];
    near(a, b, 1e-9);
  });

  it("is the Mahalanobis distance, up to a factor, for a batch like the clean data", () => {
    const scores = fitQue(clean, clean).scores(clean);
    const plain = fitGaussian(clean, { shrinkage: "none" }).mahalanobis(clean);
    near(
      scores,
      plain.map((value) => value / 6),
      1e-9,
    );
  });
});

describe("anomaly.fitSpectralSignature", () => {
  it("does not change when a constant is added to all features", () => {
    const batch = draw(50, 5, 7);
    const moved = table(
      50,
      5,
      batch.data.map((value) => value + 100),
    );
    near(fitSpectralSignature(batch).scores(batch), fitSpectralSignature(moved).scores(moved), 1e-8);
  });

  it("names the ratio of its two largest variances", () => {
    const batch = table(4, 2, [2, 0, -2, 0, 0, 1, 0, -1]);
    assert.match(fitSpectralSignature(batch).name, /variance ratio 4\.00/);
  });
});

describe("anomaly.fitBeatrix", () => {
  it("sees correlations between positions that change with the order", () => {
    // Two channels of two positions: the same Gram matrix of order 1, another one of order 2.
    const quiet = tensor(
      "float64",
      [10, 2, 2],
      Float64Array.from({ length: 40 }, (_, at) => [1, 1, 1, 1][at % 4]! + 1e-3 * Math.sin(at)),
    );
    const detector = fitBeatrix(quiet);
    const [a, b] = [Math.sqrt(1.9), Math.sqrt(0.1)];
    const spiky = tensor("float64", [1, 2, 2], Float64Array.of(a, b, a, b));
    assert.ok(detector.scores(spiky)[0]! > 0.01);
  });

  it("refuses layers with too many channels and too few examples", () => {
    assert.throws(() => fitBeatrix(draw(20, 200, 1)), { code: "TOO_LARGE" });
    assert.throws(() => fitBeatrix(draw(5, 4, 1)), { code: "INVALID_ARGUMENT" });
  });
});

describe("anomaly.fitLayerwise", () => {
  it("sees a step between layers that is unusual although each layer looks usual", () => {
    const first = draw(200, 8, 1);
    const random = generator(2);
    const follow = (x: Tensor<"float64">): Tensor<"float64"> =>
      table(
        x.dims[0]!,
        8,
        x.data.map((value) => value + 0.1 * random.normal()),
      );
    const detector = fitLayerwise({ a: first, b: follow(first) });
    const fresh = draw(60, 8, 3);
    const usual = detector.scores({ a: fresh, b: follow(fresh) });
    const unusual = detector.scores({ a: fresh, b: follow(draw(60, 8, 4)) });
    assert.ok(auroc({ negatives: usual, positives: unusual }).value > 0.99);
    assert.throws(() => detector.scores({ a: fresh }), { code: "SHAPE_MISMATCH", message: /"b" is missing/ });
  });
});

describe("anomaly.strip", () => {
  it("scores inputs that force an answer above others, the same for the same seed", async () => {
    const model = {
      outputs: [{ name: "logits", type: "float32" as const, dims: ["n", 2] }],
      run: async (inputs: unknown): Promise<Record<string, Tensor>> => {
        const x = inputs as Tensor;
        const values = toFloat64(x);
        const count = x.dims[0]!;
        // The first pixel is a trigger that outweighs the mean of the others.
        const logits = Array.from({ length: count }, (_, i) => [
          20 * values[i * 4]!,
          values[i * 4 + 1]! - values[i * 4 + 2]!,
        ]);
        return { logits: tensor("float32", [count, 2], Float32Array.from(logits.flat())) };
      },
    };
    const random = generator(6);
    const overlays = tensor(
      "float32",
      [30, 4],
      Float32Array.from({ length: 120 }, (_, at) => (at % 4 ? random.normal() : 0)),
    );
    const inputs = tensor("float32", [2, 4], Float32Array.of(0, 0.1, 0, 0, 1, 0.1, 0, 0));
    const scores = await strip(model, inputs, { overlays, seed: 1 });
    assert.ok(scores[1]! > scores[0]!);
    assert.ok(scores.every((score) => score <= 0 && score >= -1));
    assert.deepEqual(await strip(model, inputs, { overlays, seed: 1 }), scores);
  });
});

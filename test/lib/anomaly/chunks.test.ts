import assert from "node:assert/strict";
import * as anomaly from "../../../lib/anomaly/index.js";
import {
  fewShot,
  fitContrast,
  fitContrastVariation,
  fitDifferenceOfMeans,
  fitEraser,
  fitLda,
  fitLogistic,
  type LinearProbe,
  sweep,
} from "../../../lib/probes/index.js";
import { generator } from "../../../lib/random/index.js";
import { type Examples, rowChunks, type Tensor, tensor } from "../../../lib/tensor/index.js";

const [n, d] = [1300, 6];
const draw = (count: number, seed: number): Tensor<"float32"> => {
  const random = generator(seed);
  const data = Float32Array.from({ length: count * d }, (_, at) => 3 + random.normal() * (1 + (at % d)));
  return tensor("float32", [count, 2, d / 2], data);
};
const clean = draw(n, 1);
const suspect = draw(50, 2);
const opposite = draw(n, 9);
const labels = Array.from({ length: n }, (_, i) => Number(clean.data[i * d]! > 3));

/** The same examples in chunks of 1, 700 and 599, made anew for each reading. */
const inChunks = (x: Tensor): Iterable<Tensor> => ({
  *[Symbol.iterator]() {
    const total = x.dims[0]!;
    for (const [from, to] of [
      [0, 1],
      [1, Math.floor(total / 2) + 50],
      [Math.floor(total / 2) + 50, total],
    ] as const) {
      if (from >= total) return;
      const stop = Math.min(to, total);
      const data = (x.data as Float32Array).subarray(from * d, stop * d);
      yield tensor("float32", [stop - from, 2, d / 2], data);
    }
  },
});
const once = function* (x: Tensor): Generator<Tensor> {
  yield* inChunks(x);
};

type Fit = (x: Examples) => (y: Examples) => Float64Array;
const scored =
  (make: (x: Examples) => Pick<anomaly.Detector, "scores">): Fit =>
  (x) =>
    make(x).scores;
const probed =
  (make: (x: Examples) => LinearProbe): Fit =>
  (x) =>
    make(x).logits;

/** Fits, and whether they read their examples only once. */
const fits: Readonly<Record<string, { readonly make: Fit; readonly onePass?: true }>> = {
  "fitGaussian, Ledoit-Wolf": { make: (x) => anomaly.fitGaussian(x).logDensity, onePass: true },
  "fitGaussian, OAS": {
    make: (x) => anomaly.fitGaussian(x, { shrinkage: "oas" }).mahalanobis,
    onePass: true,
  },
  fitClassGaussian: { make: scored((x) => anomaly.fitClassGaussian(x, labels)) },
  fitRelativeGaussian: { make: scored((x) => anomaly.fitRelativeGaussian(x, labels)) },
  fitDiagonalGaussian: { make: scored(anomaly.fitDiagonalGaussian), onePass: true },
  fitNearestNeighbours: { make: scored((x) => anomaly.fitNearestNeighbours(x, { k: 7 })) },
  fitPcaResidual: { make: scored((x) => anomaly.fitPcaResidual(x, { variance: 0.7 })), onePass: true },
  fitQue: { make: scored((x) => anomaly.fitQue(x, clean)), onePass: true },
  "fitQue, batch": { make: scored((x) => anomaly.fitQue(suspect, x)), onePass: true },
  fitSpectre: { make: scored(anomaly.fitSpectre) },
  fitSpectralSignature: { make: scored(anomaly.fitSpectralSignature), onePass: true },
  fitBeatrix: { make: scored(anomaly.fitBeatrix) },
  fitActivationClustering: {
    make: scored((x) => anomaly.fitActivationClustering(x, { seed: 1, nullDraws: 0 })),
  },
  fitContrast: { make: probed((x) => fitContrast({ positive: x, negative: opposite })), onePass: true },
  "fitContrast, against": {
    make: probed((x) => fitContrast({ positive: opposite, negative: x })),
    onePass: true,
  },
  fitContrastVariation: { make: probed((x) => fitContrastVariation({ positive: x, negative: opposite })) },
  fitDifferenceOfMeans: { make: probed((x) => fitDifferenceOfMeans(x, labels)), onePass: true },
  fitLogistic: { make: probed((x) => fitLogistic(x, labels)), onePass: true },
  fitLda: { make: probed((x) => fitLda(x, labels)) },
};

const withoutFunctions = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const near = (found: ArrayLike<number>, expected: ArrayLike<number>, who: string): void => {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i]! - expected[i]!) / (1 + Math.abs(expected[i]!));
    assert.ok(gap < 1e-9, `${who} ${i}: ${found[i]} instead of ${expected[i]}`);
  }
};

describe("fits of examples in chunks", () => {
  for (const [name, { make, onePass }] of Object.entries(fits)) {
    it(`${name} gives what it gives for one tensor, and scores chunks as one tensor`, () => {
      const expected = make(clean)(suspect);
      const fitted = make(inChunks(clean));
      near(fitted(suspect), expected, "from chunks");
      near(fitted(inChunks(suspect)), expected, "chunks scored");
      if (onePass) near(make(once(clean))(suspect), expected, "from a generator");
      else
        assert.throws(() => make(once(clean))(suspect), { code: "INVALID_ARGUMENT", message: /only once/ });
    });
  }

  it("fitEraser removes the same", () => {
    const expected = fitEraser(clean, labels).apply(suspect).data;
    near(fitEraser(inChunks(clean), labels).apply(suspect).data, expected, "erased");
  });

  it("fitLayerwise reads layers chunk by chunk", () => {
    const layers = { first: clean, second: draw(n, 5), third: draw(n, 6) };
    const suspects = { first: suspect, second: draw(50, 7), third: draw(50, 8) };
    const cut = (whole: Record<string, Tensor>): anomaly.Layers =>
      Object.fromEntries(Object.entries(whole).map(([name, layer]) => [name, inChunks(layer)]));
    const expected = anomaly.fitLayerwise(layers).scores(suspects);
    const fitted = anomaly.fitLayerwise(cut(layers));
    near(fitted.scores(suspects), expected, "from chunks");
    near(fitted.scores(cut(suspects)), expected, "chunks scored");
    assert.throws(() => anomaly.fitLayerwise({ ...layers, third: [layers.third, suspect] }), {
      code: "SHAPE_MISMATCH",
      message: /third/,
    });
  });

  it("clusterClasses finds the same groups", () => {
    const options = { seed: 1, nullDraws: 0 };
    const { classes } = anomaly.clusterClasses(inChunks(clean), labels, options);
    const expected = anomaly.clusterClasses(clean, labels, options).classes;
    classes.forEach((one, k) => {
      assert.deepEqual([one.label, one.n, one.smallerShare], [k, expected[k]!.n, expected[k]!.smallerShare]);
      assert.ok(Math.abs(one.silhouette - expected[k]!.silhouette) < 1e-9);
    });
    assert.throws(() => anomaly.clusterClasses(inChunks(clean), labels.slice(1), options), {
      code: "SHAPE_MISMATCH",
    });
  });

  it("fewShot draws the same examples, from chunks that can be read only once, too", () => {
    const run = (x: Examples, heldOut: Examples) =>
      fewShot(
        { train: { x, labels }, heldOut: { x: heldOut, labels: labels.slice(0, 50) } },
        { seed: 3, fit: (own, given) => fitLogistic(own, given), shots: [1, 16], draws: 2 },
      );
    const expected = run(clean, suspect);
    assert.deepEqual(run(inChunks(clean), inChunks(suspect)), expected);
    assert.deepEqual(run(once(clean), once(suspect)), expected);
  });

  it("sweep chooses the same tap, position and penalty, held-out or nested", () => {
    const taps = { first: draw(n, 5), second: clean };
    const cut = { first: inChunks(taps.first), second: inChunks(clean) };
    const options = { seed: 3, folds: 3, positions: "all" } as const;
    const heldOut = { first: draw(50, 6), second: suspect };
    const heldOutLabels = labels.slice(0, 50);
    assert.deepEqual(
      withoutFunctions(
        sweep(
          {
            train: cut,
            labels,
            heldOut: { first: inChunks(heldOut.first), second: inChunks(suspect) },
            heldOutLabels,
          },
          options,
        ),
      ),
      withoutFunctions(sweep({ train: taps, labels, heldOut, heldOutLabels }, options)),
    );
    assert.deepEqual(
      withoutFunctions(sweep({ train: cut, labels }, options)),
      withoutFunctions(sweep({ train: taps, labels }, options)),
    );
    assert.throws(() => sweep({ train: { first: once(clean) }, labels }, options), {
      code: "INVALID_ARGUMENT",
      message: /only once/,
    });
  });

  it("name contrast pairs without a partner, however they are cut", () => {
    assert.throws(() => fitContrast({ positive: inChunks(clean), negative: suspect }), {
      code: "SHAPE_MISMATCH",
      message: new RegExp(`${n} examples speak for, 50 against`),
    });
  });

  it("say how many labels are missing", () => {
    assert.throws(() => fitLda(inChunks(clean), labels.slice(1)), {
      code: "SHAPE_MISMATCH",
      message: new RegExp(`${n} examples, but ${n - 1} labels`),
    });
    assert.equal([...rowChunks(inChunks(clean), "test")].length, 3);
  });
});

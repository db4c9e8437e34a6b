import assert from "node:assert/strict";
import * as anomaly from "../../../lib/anomaly/index.js";
import {
  fitDifferenceOfMeans,
  fitEraser,
  fitLda,
  fitLogistic,
  type LinearProbe,
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
  fitDifferenceOfMeans: { make: probed((x) => fitDifferenceOfMeans(x, labels)), onePass: true },
  fitLogistic: { make: probed((x) => fitLogistic(x, labels)), onePass: true },
  fitLda: { make: probed((x) => fitLda(x, labels)) },
};

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

  it("say how many labels are missing", () => {
    assert.throws(() => fitLda(inChunks(clean), labels.slice(1)), {
      code: "SHAPE_MISMATCH",
      message: new RegExp(`${n} examples, but ${n - 1} labels`),
    });
    assert.equal([...rowChunks(inChunks(clean), "test")].length, 3);
  });
});

import assert from "node:assert/strict";
import { covarianceSpectrum as spectrumOf } from "../../../lib/anomaly/index.js";
import {
  confusion,
  covarianceSpectrum,
  det,
  nullDistribution,
  precisionRecall,
  quantiles,
} from "../../../lib/plots/index.js";
import { generator } from "../../../lib/random/index.js";
import {
  confusionMatrix,
  detCurve,
  monteCarloNull,
  normalQuantile,
  precisionRecallCurve,
} from "../../../lib/stats/index.js";
import { tensor } from "../../../lib/tensor/index.js";

type Trace = Readonly<{ x: number[]; y: number[]; name?: string; z: number[][]; text: string[][] }>;
const tracesOf = (figure: { readonly data: readonly object[] }): Trace[] => figure.data as Trace[];
const random = generator(1);
const normals = Float64Array.from({ length: 500 }, () => 3 + 2 * random.normal());

describe("plots.det", () => {
  const curve = detCurve(
    { negatives: normals, positives: normals.map((value) => value + 4) },
    { seed: 1, resamples: 100 },
  );

  it("makes a line of slope -1 of normal scores with equal deviations, through the deviate of half their distance", () => {
    const [, line] = tracesOf(det(curve));
    const middle = line!.x.filter((x, i) => Math.abs(x) < 1.5 && Math.abs(line!.y[i]!) < 1.5);
    assert.ok(middle.length > 20);
    // Shifted by d deviations, Φ⁻¹(miss) = -d - Φ⁻¹(false positives).
    line!.x.forEach((x, i) => {
      if (Math.abs(x) < 1.2 && Math.abs(line!.y[i]!) < 1.2) assert.ok(Math.abs(x + line!.y[i]! + 2) < 0.35);
    });
  });

  it("draws a band that contains its curve", () => {
    const [band, line] = tracesOf(det(curve));
    const n = line!.x.length;
    line!.x.forEach((x, i) => {
      assert.ok(band!.x[i]! <= x + 1e-9 && band!.y[i]! <= line!.y[i]! + 1e-9);
      assert.ok(band!.x[2 * n - 1 - i]! >= x - 1e-9 && band!.y[2 * n - 1 - i]! >= line!.y[i]! - 1e-9);
    });
  });
});

describe("plots.quantiles", () => {
  it("keeps nearly all points of the distribution itself in its band, and lets a wrong one out", () => {
    const exact = quantiles(normals, { quantile: (p) => 3 + 2 * normalQuantile(p), name: "truth" });
    const share = /: (\d+) of (\d+) drawn/;
    const [, outside, drawn] = share.exec(exact.description)!;
    // Order statistics are strongly correlated: a run of them may leave together.
    assert.ok(Number(outside) / Number(drawn) < 0.25, exact.description);
    const wrong = quantiles(normals, { quantile: (p) => 3 + 3 * normalQuantile(p) });
    const [, more, of] = share.exec(wrong.description)!;
    assert.ok(Number(more) / Number(of) > 0.7, wrong.description);
  });

  it("draws order statistics against the quantiles of (i - 1/2) / n", () => {
    const [, , points] = tracesOf(quantiles([30, 10, 20], { quantile: (p) => p }));
    assert.deepEqual(points!.y, [10, 20, 30]);
    points!.x.forEach((x, i) => {
      assert.ok(Math.abs(x - (i + 0.5) / 3) < 1e-12);
    });
    assert.throws(() => quantiles([1, 2, Number.NaN]), { code: "INVALID_ARGUMENT" });
    assert.throws(() => quantiles([1, 2]), { code: "INVALID_ARGUMENT" });
  });
});

describe("plots.covarianceSpectrum", () => {
  it("marks the directions above the noise and draws densities of area 1", () => {
    const [n, d] = [400, 100];
    const data = Float64Array.from({ length: n * d }, () => random.normal());
    for (let i = 0; i < n; i++) {
      const shared = 2 * random.normal();
      for (let j = 0; j < 30; j++) data[i * d + j]! += shared;
    }
    const spectrum = spectrumOf(tensor("float64", [n, d], data), { standardise: false });
    const [bars, law, marks] = tracesOf(covarianceSpectrum(spectrum));
    assert.equal(marks!.x.length, 1);
    // Areas on the logarithmic axis: all eigenvalues, and the whole law.
    const area = ({ x, y }: Trace): number =>
      x.slice(1).reduce((sum, value, i) => sum + (Math.log10(value / x[i]!) * (y[i]! + y[i + 1]!)) / 2, 0);
    assert.ok(Math.abs(area(bars!) - 1) < 1e-9, String(area(bars!)));
    assert.ok(Math.abs(area(law!) - 1) < 0.02, String(area(law!)));
    assert.ok(bars!.x.at(-1)! > marks!.x[0]!);
  });
});

describe("plots.precisionRecall", () => {
  it("draws a band that contains its curve and narrows to the right", () => {
    const curve = precisionRecallCurve({
      negatives: normals,
      positives: normals.map((value) => value + 3),
    });
    const [band, line] = tracesOf(precisionRecall(curve));
    const n = line!.x.length;
    const width = line!.x.map((x, i) => {
      const [high, low] = [band!.y[i]!, band!.y[2 * n - 1 - i]!];
      assert.ok(band!.x[i] === x && low <= line!.y[i]! && line!.y[i]! <= high);
      return high - low;
    });
    assert.ok(width[0]! > 0.9 && width.at(-1)! < 0.1, `${width[0]} ${width.at(-1)}`);
  });
});

describe("plots.confusion", () => {
  it("shades by the share of the label and writes the counts", () => {
    const figure = confusion(confusionMatrix([0, 0, 0, 1], [0, 1, 0, 1], { names: ["bag", "boot"] }));
    const [map] = tracesOf(figure);
    assert.deepEqual(map!.text, [
      ["2", "1"],
      ["0", "1"],
    ]);
    assert.deepEqual(map!.z[1], [0, 1]);
    assert.match(figure.description, /bag answered as boot 1 times/);
  });
});

describe("plots.nullDistribution", () => {
  it("says where the observed statistic lies", () => {
    const null_ = monteCarloNull((stream) => stream.uniform(), { seed: 1, draws: 999 });
    assert.match(nullDistribution(null_, { observed: 2 }).description, /Observed: 2, p = 0\.001\./);
  });
});

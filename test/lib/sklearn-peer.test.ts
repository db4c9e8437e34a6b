import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fitGaussian, type Shrinkage } from "../../lib/anomaly/index.js";
import { fitLogistic } from "../../lib/probes/index.js";
import { generator } from "../../lib/random/index.js";
import {
  auroc,
  compareAuroc,
  delong,
  kolmogorovSmirnov,
  normalCdf,
  partialAuroc,
  precisionRecallCurve,
} from "../../lib/stats/index.js";
import { tensor, writeNpz } from "../../lib/tensor/index.js";
import { fixturePath } from "../support/fixtures.js";
import { hasPython, PYTHON } from "../support/python.js";

interface Reference {
  readonly fits: Readonly<
    Record<string, Readonly<Record<"covariance" | "mahalanobis" | "logDensity", number[]>>>
  >;
  readonly auroc: number;
  readonly partial: number;
  readonly averagePrecision: number;
  readonly covariance: readonly [readonly [number, number], readonly [number, number]];
  readonly difference: number;
  readonly kolmogorov: number;
  readonly probes: Readonly<Record<string, number[]>>;
}

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / (1 + Math.abs(expected[i]!));
    assert.ok(error < tolerance, `${i}: ${actual[i]} instead of ${expected[i]}`);
  }
};

describe("scikit-learn and SciPy in the same run, on the same examples", function () {
  this.timeout(120_000);
  const [n, d] = [400, 24];
  const random = generator(9);
  const normals = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => random.normal());
  const labels = Array.from({ length: n }, () => random.integer(2));
  const mixing = normals(d * d);
  const x = new Float64Array(n * d);
  normals(n * d).forEach((value, at) => {
    const row = Math.floor(at / d);
    for (let j = 0; j < d; j++) x[row * d + j]! += value * mixing[(at % d) * d + j]! * 0.2;
    x[at]! += labels[row]! * 0.3 + 5;
  });
  const examples = tensor("float64", [n, d], x);
  const suspects = tensor(
    "float64",
    [30, d],
    normals(30 * d).map((value) => 3 * value + 5),
  );
  // Ties on purpose.
  const round = (values: Float64Array): Float64Array => values.map((value) => Math.round(value * 20) / 20);
  const negatives = round(normals(150));
  const positives = round(normals(90).map((value) => value + 1.2));
  const otherNegatives = round(negatives.map((value) => value + random.normal()));
  const otherPositives = round(positives.map((value) => value + random.normal()));
  let reference: Reference;

  before(async function () {
    if (!hasPython("sklearn", "scipy")) this.skip();
    const folder = mkdtempSync(join(tmpdir(), "assay-sklearn-"));
    try {
      const path = join(folder, "examples.npz");
      const column = (values: Float64Array) => tensor("float64", [values.length], values);
      await writeNpz(path, {
        x: examples,
        y: suspects,
        labels: column(Float64Array.from(labels)),
        negatives: column(negatives),
        positives: column(positives),
        otherNegatives: column(otherNegatives),
        otherPositives: column(otherPositives),
      });
      const { stdout, stderr } = spawnSync(PYTHON, [fixturePath("sklearn", "peer.py"), path], {
        encoding: "utf8",
      });
      assert.ok(stdout.startsWith("{"), stderr);
      reference = JSON.parse(stdout) as Reference;
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const shrinkage of ["ledoit-wolf", "oas", "none", 0.3] as readonly Shrinkage[]) {
    it(`covariance, squared distances and log density are equal to 1e-9 (${shrinkage})`, () => {
      const gaussian = fitGaussian(examples, { shrinkage });
      const expected = reference.fits[String(shrinkage)]!;
      near(gaussian.covariance.data, expected.covariance, 1e-9);
      near(gaussian.mahalanobis(suspects), expected.mahalanobis, 1e-9);
      near(gaussian.logDensity(suspects), expected.logDensity, 1e-9);
    });
  }

  it("AUROC, partial area, average precision and DeLong's covariance are equal to 1e-9", () => {
    const [one, two] = [
      { negatives, positives },
      { negatives: otherNegatives, positives: otherPositives },
    ];
    const [[a, ab], [, b]] = reference.covariance;
    near([auroc(one).value, partialAuroc(0.2, one).value], [reference.auroc, reference.partial], 1e-9);
    near([delong(one).standardError ** 2, delong(two).standardError ** 2], [a, b], 1e-9);
    const { averagePrecision } = precisionRecallCurve(one);
    near([averagePrecision.value], [reference.averagePrecision], 1e-9);
    const z = reference.difference / Math.sqrt(a + b - 2 * ab);
    near([compareAuroc(one, two).pValue], [2 * normalCdf(-Math.abs(z))], 1e-9);
  });

  it("an exact Kolmogorov-Smirnov p-value is equal to 1e-9", () => {
    near([kolmogorovSmirnov(negatives.subarray(0, 100), normalCdf).pValue], [reference.kolmogorov], 1e-9);
  });

  for (const l2 of [1, 0.01]) {
    it(`a logistic probe is within 1e-8 of the Newton optimum (l2 = ${l2})`, () => {
      const probe = fitLogistic(examples, labels, { l2 });
      near([...probe.weights.data, probe.intercept], reference.probes[l2 === 1 ? "1.0" : "0.01"]!, 1e-8);
    });
  }
});

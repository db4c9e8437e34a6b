/** Rows of the engine benchmark against NumPy and scikit-learn: products, covariance, distances, probes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fitGaussian } from "../../../lib/anomaly/index.js";
import { multiply } from "../../../lib/linalg/index.js";
import { graphBuilder, modelSession } from "../../../lib/onnx/index.js";
import { fitLogistic, type LogisticProbe } from "../../../lib/probes/index.js";
import { generator } from "../../../lib/random/index.js";
import { type Tensor, writeNpy } from "../../../lib/tensor/index.js";
import { noise } from "../../support/signals.js";
import { compare, type Row, timed } from "../measure.js";
import type { Peer } from "../peer.js";

/** Runs `use` with a folder that is gone afterwards. */
async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Rate of a square matrix product, in GFLOP/s: `multiply` in doubles, the library's session in floats. */
export async function product(
  peer: Peer | undefined,
  type: "float32" | "float64",
  threads: number,
  rounds: number,
): Promise<Row> {
  const size = 1536;
  await peer?.prepare("gemm", { size, dtype: type });
  const random = generator(1);
  const draw = (): number => random.normal();
  const gigaflops = (milliseconds: number): number => (2 * size ** 3) / (milliseconds * 1e6);
  const measure = (ours: () => Promise<unknown> | unknown): Promise<Row> =>
    compare({
      peerName: "numpy with OpenBLAS",
      threads,
      rounds,
      ours: () => timed(ours),
      peer: peer && (async () => (await peer.run("gemm")).seconds * 1000),
      as: { unit: "GFLOP/s", from: gigaflops },
    });
  if (type === "float64") {
    const matrix = { rows: size, columns: size, data: Float64Array.from({ length: size * size }, draw) };
    const other = { ...matrix, data: matrix.data.slice() };
    return measure(() => multiply(matrix, other));
  }
  const builder = graphBuilder();
  const [left, right] = [
    builder.input("a", "float32", ["m", "k"]),
    builder.input("b", "float32", ["k", "n"]),
  ];
  builder.output("y", builder.op("MatMul", [left, right]));
  using session = modelSession(builder.build("product"), { threads });
  const feeds = { a: noise([size, size], 1), b: noise([size, size], 2) };
  return await measure(() => session.run(feeds));
}

/**
 * Fit of a Gaussian (mean, covariance, Cholesky factor and its inverse) and squared distances, of float32
 * activations. Ours computes in doubles, so numpy in doubles is the like for like; in floats it keeps 6 digits.
 */
export async function gaussian(
  peer: Peer | undefined,
  threads: number,
  rounds: number,
): Promise<Record<string, Row>> {
  const x = noise([32_768, 768], 1);
  return inFolder(async (folder) => {
    const path = join(folder, "x.npy");
    await writeNpy(path, x);
    const rows: Record<string, Row> = {};
    const fitted = fitGaussian(x, { shrinkage: "none" });
    const jobs = {
      covariance: () => fitGaussian(x, { shrinkage: "none" }),
      mahalanobis: () => fitted.mahalanobis(x),
    };
    for (const [job, ours] of Object.entries(jobs)) {
      for (const dtype of ["float64", "float32"]) {
        await peer?.prepare(job, { path, dtype });
        rows[`${job}OverNumpy${dtype === "float64" ? "" : "Float32"}`] = await compare({
          peerName: `numpy ${dtype}`,
          threads,
          rounds,
          ours: () => timed(ours),
          peer: peer && (async () => (await peer.run(job)).seconds * 1000),
        });
        await peer?.forget(job);
      }
    }
    return rows;
  });
}

/** A logistic probe, with how far both sides end from the exact optimum. */
export async function probe(
  peer: Peer | undefined,
  threads: number,
  rounds: number,
): Promise<{ row: Row; errors: Record<string, number | null> }> {
  const [n, d] = [20_000, 256];
  const x = noise([n, d], 1);
  const labels = labelsOf(x, n, d);
  return inFolder(async (folder) => {
    const [features, targets] = [join(folder, "x.npy"), join(folder, "y.npy")];
    await writeNpy(features, x);
    await writeNpy(targets, labels);
    for (const job of ["probe", "newton"]) await peer?.prepare(job, { features, labels: targets });
    let found: LogisticProbe | undefined;
    const row = await compare({
      peerName: "scikit-learn, lbfgs",
      threads,
      rounds,
      ours: () =>
        timed(() => {
          found = fitLogistic(x, labels, { l2: 1 });
        }),
      peer: peer && (async () => (await peer.run("probe")).seconds * 1000),
    });
    const errors: Record<string, number | null> = {
      probeCoefficientError: null,
      sklearnCoefficientError: null,
    };
    if (peer && found) {
      const exact = (await peer.run("newton")).values["weights"] as number[];
      errors["probeCoefficientError"] = distance(Array.from(found.weights.data), exact);
      errors["sklearnCoefficientError"] = distance(
        (await peer.run("probe")).values["weights"] as number[],
        exact,
      );
    }
    return { row, errors };
  });
}

/** Two classes with overlap, drawn from a logistic model with decaying weights. */
function labelsOf(x: Tensor<"float32">, n: number, d: number): Tensor<"int64"> {
  const random = generator(5);
  const data = new BigInt64Array(n);
  for (let i = 0; i < n; i++) {
    let logit = 0.3;
    for (let j = 0; j < d; j++) logit += ((j % 2 ? -1 : 1) / (1 + j)) * x.data[i * d + j]!;
    data[i] = BigInt(random.uniform() < 1 / (1 + Math.exp(-logit)));
  }
  return { type: "int64", dims: [n], data };
}

/** Largest absolute difference. */
const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index]!)), 0);

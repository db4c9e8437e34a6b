/** Rows of the engine benchmark against LAPACK: eigenvalues, singular values and triangular systems in doubles. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Matrix,
  multiply,
  solveTriangular,
  svd,
  symmetricEigen,
  topEigen,
} from "../../../lib/linalg/index.js";
import { generator } from "../../../lib/random/index.js";
import { writeNpy } from "../../../lib/tensor/index.js";
import { compare, type Row, timed } from "../measure.js";
import type { Peer } from "../peer.js";

/** Features whose spread falls as those of a layer do. */
function examples(n: number, d: number): Matrix {
  const random = generator(1);
  const data = Float64Array.from({ length: n * d }, (_, at) => random.normal() / Math.sqrt(1 + (at % d)));
  return { rows: n, columns: d, data };
}

/** Each row: the ten largest eigenpairs of d = 768, all of d = 384, singular vectors, and a triangular system. */
export async function decompositions(
  peer: Peer | undefined,
  threads: number,
  rounds: number,
): Promise<Record<string, Row>> {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const jobs: Readonly<Record<string, { matrix: Matrix; job: string; ours: (matrix: Matrix) => unknown }>> = {
    topEigenOverLapack: {
      matrix: covariance(768),
      job: "eigen_top",
      ours: ({ rows, data }) => topEigen(data, rows, 10),
    },
    symmetricEigenOverLapack: {
      matrix: covariance(384),
      job: "eigen",
      ours: ({ rows, data }) => symmetricEigen(data, rows),
    },
    svdOverLapack: { matrix: examples(600, 256), job: "svd", ours: svd },
    solveTriangularOverLapack: {
      matrix: covariance(768),
      job: "triangular",
      ours: (matrix) => solveTriangular(matrix.data, matrix),
    },
  };
  try {
    const rows: Record<string, Row> = {};
    for (const [name, { matrix, job, ours }] of Object.entries(jobs)) {
      const path = join(folder, `${job}.npy`);
      await writeNpy(path, { type: "float64", dims: [matrix.rows, matrix.columns], data: matrix.data });
      await peer?.prepare(job, { path });
      rows[name] = await compare({
        peerName: "LAPACK through SciPy",
        threads,
        rounds,
        ours: () => timed(() => ours(matrix)),
        peer: peer && (async () => (await peer.run(job)).seconds * 1000),
      });
      await peer?.forget(job);
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function covariance(d: number): Matrix {
  const x = examples(2 * d, d);
  const products = multiply(x, x, { transposeA: true });
  return { ...products, data: products.data.map((sum) => sum / x.rows) };
}

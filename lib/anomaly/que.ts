/** Quantum entropy scores: what stands out in a suspicious batch beside clean examples, and SPECTRE, which needs none. */
import { AssayError } from "../errors.js";
import {
  centredRows,
  type Matrix,
  momentsOfChunks,
  multiply,
  squaredNorms,
  symmetricEigen,
} from "../linalg/index.js";
import { type Examples, type Rows, rowChunks } from "../tensor/index.js";
import { type Detector, detectorOf } from "./detector.js";
import {
  asRows,
  leadingDirections,
  momentsOfMatrix,
  type PrincipalDirections,
  principalDirections,
  whiten,
  whiteningOf,
} from "./principal.js";

/** Options of {@link fitQue}. */
export interface QueOptions {
  /** How sharply directions of excess variance are preferred: 0 is the Mahalanobis distance. Default 4. */
  readonly alpha?: number;
}

/**
 * Quantum entropy scores of a batch that may contain a few anomalies, given clean examples.
 *
 * Clean examples whiten the batch; where the batch's covariance S then exceeds the identity, something is in it
 * that clean data do not have. The score is y' Q y / trace Q with Q = exp(alpha (S - 1) / (|S| - 1)), the *matrix*
 * exponential (an element-wise one, or an unwhitened S, costs up to 0.08 of AUROC). Without anomalies S is near
 * 1 and the score is the Mahalanobis distance. Directions with less than 1e-5 of the largest variance are dropped.
 *
 * Fit it on the batch that will be scored. An attacker who spreads anomalies over many directions weakens it.
 *
 * @param clean Clean activations [n, ...], or chunks of them, which are read once.
 * @param batch Activations under suspicion [m, ...], of which a small share may be anomalous; chunks are read once.
 * @see J. Hayase, W. Kong, R. Somani, S. Oh (2021), SPECTRE: defending against backdoor attacks using robust
 *   statistics. ICML. Y. Dong, S. Hopkins, J. Li (2019), Quantum entropy scoring. NeurIPS.
 */
export function fitQue(clean: Examples, batch: Examples, { alpha = 4 }: QueOptions = {}): Detector {
  const moments = momentsOfChunks(rowChunks(clean, "fitQue"));
  const suspects = momentsOfChunks(rowChunks(batch, "fitQue"));
  if (suspects.d !== moments.d) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `fitQue: ${moments.d} clean features, ${suspects.d} in the batch.`,
      {},
    );
  }
  const frame = principalDirections(moments);
  const q = entropyWeights(whitenedCovariance(suspects.covariance, frame), alpha);
  const excess =
    q.strength <= smallestExcess
      ? ["The batch varies no more than clean data: the score is the Mahalanobis distance."]
      : [];
  return detectorOf(
    `QUE (alpha = ${alpha}, ${frame.directions.rows} directions)`,
    moments,
    (y) => score(whiten(y, frame), q),
    excess,
  );
}

/** Below this excess of |S| over 1 its direction is noise. */
const smallestExcess = 1e-3;

interface EntropyWeights {
  /** Orthonormal rows. */
  readonly directions: Matrix;
  /** Weight of each, of sum 1. */
  readonly weights: Float64Array;
  /** |S| - 1. */
  readonly strength: number;
}

/** A covariance in the coordinates of a frame, in which that of the clean examples is the identity. */
function whitenedCovariance(covariance: Float64Array, frame: PrincipalDirections): Matrix {
  const turn = whiteningOf(frame);
  const d = turn.columns;
  return multiply(multiply(turn, { rows: d, columns: d, data: covariance }), turn, { transposeB: true });
}

/** Q of a whitened batch with this covariance, by its eigenvectors. */
function entropyWeights({ rows: k, data }: Matrix, alpha: number): EntropyWeights {
  const { values, vectors } = symmetricEigen(data, k);
  const strength = values[k - 1]! - 1;
  const exponents = values.map((value) =>
    strength <= smallestExcess ? 0 : (alpha * (value - 1)) / strength,
  );
  const exponentials = exponents.map(Math.exp);
  const trace = exponentials.reduce((sum, value) => sum + value, 0);
  return {
    directions: { rows: k, columns: k, data: vectors },
    weights: exponentials.map((value) => value / trace),
    strength,
  };
}

function score(whitened: Matrix, { directions, weights }: EntropyWeights): Float64Array {
  const shares = multiply(whitened, directions, { transposeB: true });
  const weighted = shares.data.map((value, at) => value * Math.sqrt(weights[at % shares.columns]!));
  return squaredNorms({ ...shares, data: weighted });
}

/** Options of {@link fitSpectre}. */
export interface SpectreOptions extends QueOptions {
  /** Upper bound of the share of anomalies. Default 0.05. */
  readonly contamination?: number;
}

/**
 * SPECTRE: quantum entropy scores of a batch of one class, without clean examples.
 *
 * The batch is projected on its k main directions, a robust centre and covariance are found by dropping the
 * farthest 1.5 * contamination again and again, and QUE scores follow. Among k = 2, 4, 8 … the one with the
 * largest mean score of the farthest is taken, as the paper does. Needs anomalies that are not too rare and well
 * separated; otherwise use clean examples and {@link fitQue}.
 */
export function fitSpectre(
  batch: Examples,
  { alpha = 4, contamination = 0.05 }: SpectreOptions = {},
): Detector {
  const chunks = rowChunks(batch, "fitSpectre");
  const moments = momentsOfChunks(chunks);
  const { n } = moments;
  const dropped = Math.ceil(1.5 * contamination * n);
  if (!(contamination > 0 && contamination < 0.5) || n - dropped < 8) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `fitSpectre: a contamination between 0 and 0.5 must leave 8 examples, got ${contamination} of ${n}.`,
      { contamination, n },
    );
  }
  const frame = principalDirections(moments);
  const most = Math.min(frame.variances.length, (n - dropped) / 4, 64);
  const points = projectAll(chunks, frame, Math.floor(most));
  let best: { mean: number; k: number; robust: ReturnType<typeof robustFrame> } | undefined;
  for (let k = 2; k <= most; k *= 2) {
    const robust = robustFrame(firstColumns(points, k), dropped, alpha);
    const top = Float64Array.from(robust.scores).sort().slice(-dropped);
    const mean = top.reduce((sum, value) => sum + value, 0) / top.length;
    if (!best || mean > best.mean) best = { mean, k, robust };
  }
  if (!best) throw new AssayError("INVALID_ARGUMENT", `fitSpectre: ${n} examples are too few.`, { n });
  const { k, robust } = best;
  return detectorOf(`SPECTRE (k = ${k})`, moments, (y) => robust.score(project(y, frame, k)));
}

function project(table: Rows, { mean, directions }: PrincipalDirections, k: number): Matrix {
  const { columns, data } = directions;
  const kept = { rows: k, columns, data: data.slice(0, k * columns) };
  return multiply(centredRows(table, mean, 0, table.n), kept, { transposeB: true });
}

/** Of examples that do not fit in memory, their first k coordinates do. */
function projectAll(chunks: Iterable<Rows>, frame: PrincipalDirections, k: number): Matrix {
  const parts = Array.from(chunks, (table) => project(table, frame, k));
  const data = new Float64Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { rows: data.length / k, columns: k, data };
}

function firstColumns({ rows, columns, data }: Matrix, k: number): Matrix {
  const kept = new Float64Array(rows * k);
  for (let i = 0; i < rows; i++) kept.set(data.subarray(i * columns, i * columns + k), i * k);
  return { rows, columns: k, data: kept };
}

/** Robust whitening by concentration: fit, drop the farthest, fit again, until nothing changes. */
function robustFrame(points: Matrix, dropped: number, alpha: number) {
  let members = Array.from({ length: points.rows }, (_, i) => i);
  let frame = principalDirections(momentsOfMatrix(points), 1e-12);
  for (let round = 0; round < 20; round++) {
    const distances = squaredNorms(whiten(asRows(points), frame));
    const next = [...distances.keys()]
      .sort((a, b) => distances[a]! - distances[b]!)
      .slice(0, points.rows - dropped);
    const isSettled = next.length === members.length && new Set([...next, ...members]).size === next.length;
    members = next;
    if (isSettled) break;
    frame = principalDirections(momentsOfMatrix(pick(points, members)), 1e-12);
  }
  const whitened = whiten(asRows(points), frame);
  const covariance = momentsOfMatrix(whitened).covariance;
  const weights = entropyWeights(
    { rows: whitened.columns, columns: whitened.columns, data: covariance },
    alpha,
  );
  const scoreOf = (other: Matrix): Float64Array => score(whiten(asRows(other), frame), weights);
  return { scores: scoreOf(points), score: scoreOf };
}

function pick({ columns, data }: Matrix, members: readonly number[]): Matrix {
  const picked = new Float64Array(members.length * columns);
  members.forEach((from, to) => {
    picked.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return { rows: members.length, columns, data: picked };
}

/**
 * Spectral signature: squared projection of a *centred* example on the batch's main direction.
 *
 * For a batch of one class in which poisoned examples are neither rare nor close. Centring matters: without it
 * the main direction is the class mean, and the score may turn round (AUROC 0.78 became 0.32). Compare the
 * eigenvalue gap with that of other classes before believing it.
 *
 * @returns A detector whose name states the ratio of the two largest variances.
 * @see B. Tran, J. Li, A. Madry (2018), Spectral signatures in backdoor attacks. NeurIPS.
 */
export function fitSpectralSignature(batch: Examples): Detector {
  const moments = momentsOfChunks(rowChunks(batch, "fitSpectralSignature"));
  const { d, mean } = moments;
  const { directions, variances } = leadingDirections(moments, 2);
  const main = { rows: 1, columns: d, data: directions.data.slice(0, d) };
  const gap = variances[0]! / (variances[1] ?? Number.POSITIVE_INFINITY);
  return detectorOf(`spectral signature (variance ratio ${gap.toPrecision(3)})`, moments, (y) =>
    multiply(centredRows(y, mean, 0, y.n), main, { transposeB: true }).data.map((value) => value * value),
  );
}

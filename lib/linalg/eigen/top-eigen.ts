/** The largest eigenvalues of a symmetric matrix with their vectors, by block Lanczos on native products. */
import { AssayError } from "../../errors.js";
import { generator } from "../../random/index.js";
import { cholesky } from "../cholesky.js";
import { type Matrix, multiply } from "../multiply.js";
import { type SymmetricEigen, symmetricEigen } from "./symmetric-eigen.js";

/** Up to this size the whole decomposition is as fast. */
const SMALL = 64;
/** Starting vectors are drawn from this seed: the same matrix gives the same result. */
const SEED = 20;
/** Bound on products with the matrix, in multiples of its size, after which the whole decomposition is cheaper. */
const MAX_VECTORS = 4;

/** How exactly {@link topEigen} answers. */
export interface TopEigenOptions {
  /** Largest |A v - λ v| of a unit vector v, relative to the largest |λ|. Default 1e-11. */
  readonly tolerance?: number;
}

/**
 * The `count` largest eigenvalues of a symmetric matrix [d, d] with their eigenvectors.
 *
 * A thick-restarted block Lanczos method: products with the matrix grow a basis, in which the small projected
 * problem is solved; the best directions start the next basis. Blocks find equal eigenvalues together. Ten of
 * d = 768 take about a tenth of the time of the whole decomposition. Where the wanted values do not stand out
 * from the rest, the whole decomposition is made instead.
 *
 * @returns Values **falling**, and vectors as rows [count, d], orthonormal to 1e-12.
 * @throws AssayError INVALID_ARGUMENT unless 1 <= count <= d; NOT_FINITE for NaN and infinite entries.
 * @see K. Wu, H. Simon (2000), Thick-restart Lanczos method for large symmetric eigenvalue problems. SIAM J. Matrix
 *   Analysis 22.
 * @example
 * topEigen(moments.covariance, moments.d, 10).values   // the ten largest variances, largest first
 */
export function topEigen(
  matrix: Float64Array,
  d: number,
  count: number,
  { tolerance = 1e-11 }: TopEigenOptions = {},
): SymmetricEigen {
  if (!Number.isInteger(count) || count < 1 || count > d) {
    throw new AssayError("INVALID_ARGUMENT", `topEigen: count must lie between 1 and ${d}, got ${count}.`, {
      count,
      d,
    });
  }
  if (d <= SMALL || 4 * count >= d) return largestOf(symmetricEigen(matrix, d), d, count);
  const wrong = matrix.findIndex((entry) => !Number.isFinite(entry));
  if (wrong >= 0) {
    throw new AssayError("NOT_FINITE", `topEigen: entry ${wrong} is ${matrix[wrong]}.`, { index: wrong });
  }
  const found = lanczos({ rows: d, columns: d, data: matrix }, count, tolerance);
  return found ?? largestOf(symmetricEigen(matrix, d), d, count);
}

function largestOf({ values, vectors }: SymmetricEigen, d: number, count: number): SymmetricEigen {
  const rows = new Float64Array(count * d);
  for (let k = 0; k < count; k++) rows.set(vectors.subarray((d - 1 - k) * d, (d - k) * d), k * d);
  return { values: values.slice(d - count).reverse(), vectors: rows };
}

function lanczos(matrix: Matrix, count: number, tolerance: number): SymmetricEigen | undefined {
  const d = matrix.rows;
  const width = Math.min(16, Math.max(4, Math.ceil(count / 2)));
  const kept = count + width;
  const most = Math.min(d, kept + 6 * width);
  const random = generator(SEED);
  const draw = (): number => random.normal();
  let basis: Matrix = { rows: 0, columns: d, data: new Float64Array(0) };
  // The matrix within the basis, [most, most], filled as the basis grows.
  const projected = new Float64Array(most * most);
  const start = { rows: width, columns: d, data: Float64Array.from({ length: width * d }, draw) };
  let block = orthonormalised(start, basis, draw);
  for (let used = 0; used < MAX_VECTORS * d && basis.rows + width <= d; used += width) {
    // The matrix as the left factor: onnxruntime lays the right one out anew for every product.
    const image = transposed(multiply(matrix, block, { transposeB: true }));
    const before = basis.rows;
    basis = stacked(basis, block);
    fill(projected, most, before, multiply(basis, image, { transposeB: true }));
    // What of the image lies outside the basis is where it grows next.
    const rest = outside(image, basis);
    const isFull = basis.rows + width > most;
    if (isFull || basis.rows >= kept + 2 * width) {
      const ritz = symmetricEigen(square(projected, most, basis.rows), basis.rows);
      const best = largestOf(ritz, basis.rows, kept);
      const largest = Math.max(Math.abs(ritz.values[0]!), Math.abs(ritz.values.at(-1)!));
      if (residual(best.vectors, basis.rows, rest, count) <= tolerance * largest) {
        const turn = { rows: count, columns: basis.rows, data: best.vectors.subarray(0, count * basis.rows) };
        return { values: best.values.slice(0, count), vectors: multiply(turn, basis).data };
      }
      if (isFull) {
        const next = orthonormalised(rest, basis, draw);
        basis = multiply({ rows: kept, columns: basis.rows, data: best.vectors }, basis);
        projected.fill(0);
        for (let i = 0; i < kept; i++) projected[i * most + i] = best.values[i]!;
        block = next;
        continue;
      }
    }
    block = orthonormalised(rest, basis, draw);
  }
  return undefined;
}

/**
 * The largest |A v - θ v| of the first vectors: all that A leads out of the basis comes from its last block, and
 * there it is `rest`.
 */
function residual(vectors: Float64Array, size: number, rest: Matrix, count: number): number {
  const width = rest.rows;
  const last = new Float64Array(count * width);
  for (let k = 0; k < count; k++) {
    last.set(vectors.subarray(k * size + size - width, (k + 1) * size), k * width);
  }
  const out = multiply({ rows: count, columns: width, data: last }, rest);
  return Math.sqrt(largestSquare(out));
}

/** Rows less their share of an orthonormal basis; twice, since once leaves what rounding put back. */
function outside(rows: Matrix, basis: Matrix): Matrix {
  let rest = rows;
  for (let pass = 0; pass < 2 && basis.rows > 0; pass++) {
    const shares = multiply(rest, basis, { transposeB: true });
    const inside = multiply(shares, basis);
    rest = { ...rest, data: rest.data.map((value, i) => value - inside.data[i]!) };
  }
  return rest;
}

/** Orthonormal rows beside the basis that span the given ones; drawn ones where these depend on one another. */
function orthonormalised(rows: Matrix, basis: Matrix, draw: () => number): Matrix {
  let result = rows;
  for (let pass = 0; pass < 2; pass++) {
    const gram = multiply(result, result, { transposeB: true });
    const decomposition = cholesky(gram.data, result.rows);
    if (typeof decomposition === "number") return rowByRow(rows, basis, draw);
    const inverse = { rows: result.rows, columns: result.rows, data: decomposition.inverse };
    result = outside(multiply(inverse, result), basis);
  }
  return result;
}

/** Gram-Schmidt, for rows that a Cholesky factor of their products cannot tell apart. */
function rowByRow(rows: Matrix, basis: Matrix, draw: () => number): Matrix {
  const d = rows.columns;
  const longest = Math.sqrt(largestSquare(rows));
  let known = basis;
  const made = new Float64Array(rows.data.length);
  for (let k = 0; k < rows.rows; k++) {
    let row: Matrix = { rows: 1, columns: d, data: rows.data.slice(k * d, (k + 1) * d) };
    for (let least = 1e-8 * longest; ; least = 0) {
      row = outside(row, known);
      const length = Math.sqrt(largestSquare(row));
      if (length > least) {
        row = { ...row, data: row.data.map((value) => value / length) };
        row = outside(row, known);
        break;
      }
      row = { ...row, data: Float64Array.from({ length: d }, draw) };
    }
    made.set(row.data, k * d);
    known = stacked(known, row);
  }
  return { ...rows, data: made };
}

function largestSquare({ rows, columns, data }: Matrix): number {
  let largest = 0;
  for (let k = 0; k < rows; k++) {
    let sum = 0;
    for (let j = k * columns; j < (k + 1) * columns; j++) sum += data[j]! ** 2;
    largest = Math.max(largest, sum);
  }
  return largest;
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  return { rows: columns, columns: rows, data: turned };
}

function stacked(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { rows: a.rows + b.rows, columns: b.columns, data };
}

/** Enters the shares [rows, width] of the newest block, which starts at `from`. */
function fill(projected: Float64Array, most: number, from: number, { rows, columns, data }: Matrix): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      projected[i * most + from + j] = data[i * columns + j]!;
      projected[(from + j) * most + i] = data[i * columns + j]!;
    }
  }
}

function square(projected: Float64Array, most: number, size: number): Float64Array {
  const part = new Float64Array(size * size);
  for (let i = 0; i < size; i++) part.set(projected.subarray(i * most, i * most + size), i * size);
  return part;
}

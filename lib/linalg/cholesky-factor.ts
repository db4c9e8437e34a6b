/** The Cholesky factor alone, by columns of blocks: small diagonal blocks in a loop, the rest as products on onnxruntime. */
import { choleskyLeaf } from "./cholesky.js";
import { denseCholesky } from "./dense.js";
import { lessProduct, type Matrix, multiply } from "./multiply.js";

/** Below this size a loop is faster than calls. */
const SMALL = 80;
/** Largest width of a column of blocks. */
const BLOCK = 48;

/**
 * Cholesky factor of a symmetric positive definite matrix: the lower L with L Lᵀ = a.
 *
 * Column of blocks by column: what the columns before have left, then the diagonal block's factor, then the blocks
 * below it times that factor's inverse. A third of the work of `cholesky`, which inverts as well.
 *
 * @param a Row-major [d, d]; only its lower triangle is read.
 * @returns L with zeros above the diagonal, or the index of the first pivot that is not positive.
 */
export function choleskyFactor(a: Float64Array, d: number): Float64Array | number {
  if (d <= SMALL) return denseCholesky(a, d);
  const block = Math.ceil(d / Math.ceil(d / BLOCK));
  const diagonal = Float64Array.from({ length: d }, (_, i) => a[i * d + i]!);
  const factor = new Float64Array(d * d);
  /** Each column of blocks from its diagonal block down. */
  const columns: Matrix[] = [];
  for (let start = 0; start < d; start += block) {
    const width = Math.min(block, d - start);
    let column = columnOf(a, d, start, width);
    columns.forEach((earlier, k) => {
      const below = rowsOf(earlier, start - k * block, d - k * block);
      column = lessProduct(column, below, rowsOf(below, 0, width));
    });
    const parts = choleskyLeaf(column.data, diagonal.subarray(start, start + width));
    if (typeof parts === "number") return start + parts;
    const inverse = { rows: width, columns: width, data: parts.inverse };
    const rest = multiply(rowsOf(column, width, column.rows), inverse, { transposeB: true });
    const done = new Float64Array(column.rows * width);
    done.set(parts.factor);
    done.set(rest.data, width * width);
    columns.push({ rows: column.rows, columns: width, data: done });
    for (let i = 0; i < column.rows; i++) {
      factor.set(done.subarray(i * width, (i + 1) * width), (start + i) * d + start);
    }
  }
  return factor;
}

function columnOf(a: Float64Array, d: number, start: number, width: number): Matrix {
  const data = new Float64Array((d - start) * width);
  for (let i = start; i < d; i++) {
    data.set(a.subarray(i * d + start, i * d + start + width), (i - start) * width);
  }
  return { rows: d - start, columns: width, data };
}

const rowsOf = ({ columns, data }: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  columns,
  data: data.subarray(from * columns, to * columns),
});

/** Passes over a table of examples in native code: rows are read where they lie, and only sums come back. */
import { type GraphBuilder, graphBuilder, modelSession } from "../onnx/index.js";
import { type Session, sessionCache } from "../runtime/index.js";
import type { Rows, Tensor } from "../tensor/index.js";

/** Elements per run: enough for a fast product, little enough for the caches. */
const CHUNK_ELEMENTS = 2 ** 20;
const MIN_CHUNK_ROWS = 64;
/** Column blocks of a symmetric product: of 4 x 4 blocks 10 are computed, since onnxruntime has no such product. */
const BLOCKS = 4;
/** Blocks of a product with a triangular matrix: of 6 x 6 blocks 21 are not zero. */
const TRIANGLE_BLOCKS = 6;

const sessions = sessionCache(8);

/** Sums over the rows x of a table, less a mean m. */
export interface CrossProducts {
  /** Row-major [d, d]: sum of (x - m)ᵀ (x - m). */
  readonly products: Float64Array;
  /** |x - m|² of each row. */
  readonly squaredNorms: Float64Array;
}

/**
 * Sum of outer products of centred rows, in doubles.
 *
 * The mean is taken off before the product, so that a large common offset costs no digits. Time n d² · 5/8
 * multiplications; memory one chunk.
 */
export function crossProducts(table: Rows, mean: Float64Array): CrossProducts {
  const { n, d } = table;
  const widths = blockWidths(d);
  const pairs = pairsOf(widths);
  const session = chunkSession(`products ${widths.length} ${typeOf(table)}`, table, (b, centred) => {
    b.output("norms", b.op("ReduceSumSquare", [centred, b.integers(1)], { keepdims: 0 }));
    writeProducts(b, centred, widths, "float64");
  });
  let sums = startProducts(widths, "float64");
  const squaredNorms = new Float64Array(n);
  const fixed = { mean: float64([d], mean), widths: int64(widths) };
  eachRun(table, (x, start) => {
    const results = session.runSync({ ...fixed, ...sums, x });
    squaredNorms.set(results["norms"]!.data as Float64Array, start);
    sums = nextProducts(results, pairs);
  });
  return { products: assemble(d, widths, sums), squaredNorms };
}

/** Writes the block products of a table with itself, each added to what the run before found. */
export function writeProducts(
  b: GraphBuilder,
  table: string,
  widths: readonly number[],
  type: "float32" | "float64",
): void {
  const blocks = splitColumns(b, table, widths);
  for (const [i, j] of pairsOf(widths)) {
    const sum = b.input(`sum${i}${j}`, type, ["", ""]);
    b.output(`next${i}${j}`, b.op("Gemm", [blocks[i]!, blocks[j]!, sum], { transA: 1 }));
  }
}

function splitColumns(b: GraphBuilder, table: string, widths: readonly number[]): string[] {
  b.input("widths", "int64", [widths.length]);
  return widths.length === 1 ? [table] : b.ops("Split", [table, "widths"], widths.length, { axis: 1 });
}

/** Feeds of the sums before the first run. */
export const startProducts = (
  widths: readonly number[],
  type: "float32" | "float64",
): Record<string, Tensor> =>
  Object.fromEntries(
    pairsOf(widths).map(([i, j]) => {
      const size = widths[i]! * widths[j]!;
      const data = type === "float64" ? new Float64Array(size) : new Float32Array(size);
      return [`sum${i}${j}`, { type, dims: [widths[i]!, widths[j]!], data } as Tensor];
    }),
  );

/** Feeds of the sums for the next run. */
export const nextProducts = (
  results: Readonly<Record<string, Tensor>>,
  pairs: readonly Pair[],
): Record<string, Tensor> =>
  Object.fromEntries(pairs.map(([i, j]) => [`sum${i}${j}`, results[`next${i}${j}`]!]));

/**
 * |factor · (x - m)|² of each row x: squared Mahalanobis distances when `factor` is an inverse Cholesky factor.
 *
 * @param factor Lower triangular, row-major [d, d]; what stands above the diagonal is not read.
 */
export function squaredLengths(table: Rows, mean: Float64Array, factor: Float64Array): Float64Array {
  const { n, d } = table;
  const widths = blockWidths(d, TRIANGLE_BLOCKS);
  const pairs = pairsOf(widths);
  const session = chunkSession(`lengths ${widths.length} ${typeOf(table)}`, table, (b, centred) => {
    const parts = splitColumns(b, centred, widths);
    const images: string[] = [];
    for (const [i, j] of pairs) {
      const factorBlock = b.input(`factor${i}${j}`, "float64", ["", ""]);
      images[j] = b.op("Gemm", [parts[i]!, factorBlock, ...(i === 0 ? [] : [images[j]!])]);
    }
    const lengths = images.map((image) => b.op("ReduceSumSquare", [image, b.integers(1)], { keepdims: 0 }));
    b.output("lengths", lengths.length === 1 ? lengths[0]! : b.op("Sum", lengths));
  });
  const fixed: Record<string, Tensor> = { mean: float64([d], mean), widths: int64(widths) };
  for (const [i, j] of pairs) fixed[`factor${i}${j}`] = transposedBlock(factor, widths, i, j);
  const lengths = new Float64Array(n);
  eachRun(table, (x, start) => {
    lengths.set(session.runSync({ ...fixed, x })["lengths"]!.data as Float64Array, start);
  });
  return lengths;
}

/** Sum of each column, in doubles. */
export function columnSums(table: Rows): Float64Array {
  const session = sessions.get(`sums ${typeOf(table)}`, () => {
    const b = graphBuilder();
    b.input("x", typeOf(table), ["rows", "features"]);
    b.output("sums", b.op("ReduceSum", [doubles(b, table), b.integers(0)], { keepdims: 0 }));
    return modelSession(b.build("sums"));
  });
  const total = new Float64Array(table.d);
  eachRun(table, (x) => {
    const sums = session.runSync({ x })["sums"]!.data as Float64Array;
    for (let j = 0; j < total.length; j++) total[j]! += sums[j]!;
  });
  return total;
}

export const float64 = (dims: readonly number[], data: Float64Array): Tensor<"float64"> => ({
  type: "float64",
  dims,
  data,
});

export const int64 = (values: readonly number[]): Tensor => ({
  type: "int64",
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

export const typeOf = ({ data }: Rows): "float32" | "float64" =>
  data instanceof Float32Array ? "float32" : "float64";

function chunkSession(key: string, table: Rows, write: (b: GraphBuilder, centred: string) => void): Session {
  return sessions.get(key, () => {
    const b = graphBuilder();
    b.input("x", typeOf(table), ["rows", "features"]);
    b.input("mean", "float64", ["features"]);
    write(b, b.op("Sub", [doubles(b, table), "mean"]));
    return modelSession(b.build("chunks"));
  });
}

const doubles = (b: GraphBuilder, table: Rows): string =>
  typeOf(table) === "float64" ? "x" : b.op("Cast", ["x"], { to: 11 });

/** Calls `use` with some rows after the others, without a copy. */
export function eachRun(
  { n, d, data }: Rows,
  use: (x: Tensor, start: number, stop: number) => void,
  chunkRows = Math.max(MIN_CHUNK_ROWS, Math.floor(CHUNK_ELEMENTS / d)),
): void {
  for (let start = 0; start < n; start += chunkRows) {
    const stop = Math.min(n, start + chunkRows);
    const part = data.subarray(start * d, stop * d);
    use({ type: typeOf({ n, d, data }), dims: [stop - start, d], data: part } as Tensor, start, stop);
  }
}

type Pair = readonly [number, number];

/** The blocks on and above the diagonal. */
export const pairsOf = (widths: readonly number[]): Pair[] =>
  widths.flatMap((_, i) => widths.slice(i).map((_, k) => [i, i + k] as const));

/** Widths of the column blocks of a table. */
export function blockWidths(d: number, blocks = BLOCKS): number[] {
  if (d < 128) return [d];
  const base = Math.floor(d / blocks);
  return Array.from({ length: blocks }, (_, i) => base + Number(i < d % blocks));
}

/** The whole symmetric matrix from its blocks. */
export function assemble(
  d: number,
  widths: readonly number[],
  sums: Readonly<Record<string, Tensor>>,
): Float64Array {
  const whole = new Float64Array(d * d);
  const starts = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, 0));
  pairsOf(widths).forEach(([i, j]) => {
    const data = sums[`sum${i}${j}`]!.data as Float32Array | Float64Array;
    const width = widths[j]!;
    for (let row = 0; row < widths[i]!; row++) {
      const at = starts[i]! + row;
      for (let column = 0; column < width; column++) {
        const to = starts[j]! + column;
        const value = data[row * width + column]!;
        whole[at * d + to] = value;
        whole[to * d + at] = value;
      }
    }
  });
  return whole;
}

/** Rows of column block j and columns of column block i of a square matrix, transposed. */
function transposedBlock(matrix: Float64Array, widths: readonly number[], i: number, j: number): Tensor {
  const size = widths.reduce((sum, width) => sum + width, 0);
  const start = (block: number): number => widths.slice(0, block).reduce((sum, width) => sum + width, 0);
  const [rows, columns] = [widths[i]!, widths[j]!];
  const [left, top] = [start(i), start(j)];
  const data = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      data[r * columns + c] = left + r > top + c ? 0 : matrix[(top + c) * size + left + r]!;
    }
  }
  return float64([rows, columns], data);
}

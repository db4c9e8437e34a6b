/** Passes over a table of examples in native code: rows are read where they lie, and only sums come back. */
import { type GraphBuilder, graphBuilder, modelSession } from "../onnx/index.js";
import { type Session, sessionCache } from "../runtime/index.js";
import type { Rows, Tensor } from "../tensor/index.js";

/** Rows per run: enough for a fast product, little enough for the caches. */
const CHUNK_ROWS = 2048;
/** Column blocks of a symmetric product: of 4 x 4 blocks 10 are computed, since onnxruntime has no such product. */
const BLOCKS = 4;

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
  b.input("widths", "int64", [widths.length]);
  const blocks =
    widths.length === 1 ? [table] : b.ops("Split", [table, "widths"], widths.length, { axis: 1 });
  for (const [i, j] of pairsOf(widths)) {
    const sum = b.input(`sum${i}${j}`, type, ["", ""]);
    b.output(`next${i}${j}`, b.op("Gemm", [blocks[i]!, blocks[j]!, sum], { transA: 1 }));
  }
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

/** |factor · (x - m)|² of each row x: squared Mahalanobis distances when `factor` is an inverse Cholesky factor. */
export function squaredLengths(table: Rows, mean: Float64Array, factor: Float64Array): Float64Array {
  const { n, d } = table;
  const session = chunkSession(`lengths ${typeOf(table)}`, table, (b, centred) => {
    b.input("factor", "float64", ["features", "features"]);
    const image = b.op("MatMul", [centred, "factor"]);
    b.output("lengths", b.op("ReduceSumSquare", [image, b.integers(1)], { keepdims: 0 }));
  });
  const fixed = { mean: float64([d], mean), factor: float64([d, d], transposed(factor, d)) };
  const lengths = new Float64Array(n);
  eachRun(table, (x, start) => {
    lengths.set(session.runSync({ ...fixed, x })["lengths"]!.data as Float64Array, start);
  });
  return lengths;
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
    const doubles = typeOf(table) === "float64" ? "x" : b.op("Cast", ["x"], { to: 11 });
    write(b, b.op("Sub", [doubles, "mean"]));
    return modelSession(b.build("chunks"));
  });
}

/** Calls `use` with some rows after the others, without a copy. */
export function eachRun(
  { n, d, data }: Rows,
  use: (x: Tensor, start: number, stop: number) => void,
  chunkRows = CHUNK_ROWS,
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
export function blockWidths(d: number): number[] {
  if (d < 128) return [d];
  const base = Math.floor(d / BLOCKS);
  return Array.from({ length: BLOCKS }, (_, i) => base + Number(i < d % BLOCKS));
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

function transposed(matrix: Float64Array, d: number): Float64Array {
  const result = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) result[j * d + i] = matrix[i * d + j]!;
  return result;
}

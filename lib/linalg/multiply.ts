/** Matrix products in double precision on onnxruntime: a hundred times the speed of a loop, called at once. */
import { graphBuilder, modelSession } from "../onnx/index.js";
import { type Session, sessionCache } from "../runtime/index.js";

/** A row-major matrix. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A copy of the rows from `top` to before `bottom`, and of their columns from `left` to before `right`. */
export function block(
  { columns, data }: Matrix,
  top: number,
  bottom: number,
  left: number,
  right: number,
): Matrix {
  const width = right - left;
  const part = new Float64Array((bottom - top) * width);
  for (let i = top; i < bottom; i++) {
    part.set(data.subarray(i * columns + left, i * columns + right), (i - top) * width);
  }
  return { rows: bottom - top, columns: width, data: part };
}

/** Which factor is turned over first. */
export interface MultiplyOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** Below this many multiplications a loop is done before a session has answered. */
const smallProduct = 20_000;

const sessions = sessionCache(8);

/**
 * The product a · b, of the transposes where asked.
 *
 * @example
 * multiply(x, x, { transposeA: true })   // xᵀ x
 */
export function multiply(a: Matrix, b: Matrix, options: MultiplyOptions = {}): Matrix {
  const { transposeA = false, transposeB = false } = options;
  const [rows, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const columns = transposeB ? b.rows : b.columns;
  if (rows * inner * columns <= smallProduct) return loop(a, b, transposeA, transposeB, rows, inner, columns);
  const session = productSession(transposeA, transposeB);
  const { product } = session.runSync({
    a: { type: "float64", dims: [a.rows, a.columns], data: a.data },
    b: { type: "float64", dims: [b.rows, b.columns], data: b.data },
  });
  return { rows, columns, data: product!.data as Float64Array };
}

/**
 * The product a · bᵀ in single precision: of many rows of a few numbers, such as a table of vectors, at the speed of
 * reading them.
 *
 * @param a `[rows, inner]`; @param b `[columns, inner]`.
 * @returns `[rows, columns]`.
 */
export function multiplyFloats(
  a: Float32Array,
  b: Float32Array,
  { rows, columns, inner }: { readonly rows: number; readonly columns: number; readonly inner: number },
): Float32Array {
  const session = sessions.get("floats", () => {
    const builder = graphBuilder();
    const names = ["a", "b"].map((name) => builder.input(name, "float32", ["", "inner"]));
    builder.output("product", builder.op("Gemm", names, { transB: 1 }));
    return modelSession(builder.build("product of floats"));
  });
  const { product } = session.runSync({
    a: { type: "float32", dims: [rows, inner], data: a },
    b: { type: "float32", dims: [columns, inner], data: b },
  });
  return product!.data as Float32Array;
}

function productSession(transposeA: boolean, transposeB: boolean): Session {
  return sessions.get(`${transposeA} ${transposeB}`, () => {
    const builder = graphBuilder();
    const a = builder.input("a", "float64", ["m", "k"]);
    const b = builder.input("b", "float64", ["k2", "n"]);
    const product = builder.op("Gemm", [a, b], { transA: Number(transposeA), transB: Number(transposeB) });
    builder.output("product", product);
    return modelSession(builder.build("product"));
  });
}

/** c - a · bᵀ, in one pass of native code. */
export function lessProduct(c: Matrix, a: Matrix, b: Matrix): Matrix {
  const session = sessions.get("less", () => {
    const builder = graphBuilder();
    const names = ["a", "b", "c"].map((name) => builder.input(name, "float64", ["", ""]));
    builder.output("rest", builder.op("Gemm", names, { transB: 1, alpha: { float: -1 } }));
    return modelSession(builder.build("less a product"));
  });
  const feed = ({ rows, columns, data }: Matrix) =>
    ({ type: "float64", dims: [rows, columns], data }) as const;
  const { rest } = session.runSync({ a: feed(a), b: feed(b), c: feed(c) });
  return { ...c, data: rest!.data as Float64Array };
}

function loop(
  a: Matrix,
  b: Matrix,
  transposeA: boolean,
  transposeB: boolean,
  rows: number,
  inner: number,
  columns: number,
): Matrix {
  const data = new Float64Array(rows * columns);
  const [aRow, aStep] = transposeA ? [1, a.columns] : [a.columns, 1];
  const [bColumn, bStep] = transposeB ? [b.columns, 1] : [1, b.columns];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a.data[i * aRow + k * aStep]! * b.data[j * bColumn + k * bStep]!;
      data[i * columns + j] = sum;
    }
  }
  return { rows, columns, data };
}

/** Products of a table with itself whose rows count unequally, and tables less their mean, in one pass of native code. */
import { graphBuilder, modelSession } from "../onnx/index.js";
import { sessionCache } from "../runtime/index.js";
import type { Rows, Tensor } from "../tensor/index.js";
import type { Matrix } from "./multiply.js";

const sessions = sessionCache(4);

/** Sums over the rows x of a table, each times its weight. */
export interface WeightedProducts {
  /** Row-major [d, d]: of xᵀ x. */
  readonly products: Float64Array;
  /** [d]: of x. */
  readonly sums: Float64Array;
}

/** Weighted sums of the rows' outer products, and of the rows. */
export function weightedProducts({ rows, columns, data }: Matrix, weights: Float64Array): WeightedProducts {
  const session = sessions.get("weighted", () => {
    const b = graphBuilder();
    b.input("x", "float64", ["n", "d"]);
    b.input("weights", "float64", ["n", 1]);
    const scaled = b.op("Mul", ["x", "weights"]);
    b.output("products", b.op("Gemm", [scaled, "x"], { transA: 1 }));
    b.output("sums", b.op("ReduceSum", [scaled, b.integers(0)], { keepdims: 0 }));
    return modelSession(b.build("weighted products"));
  });
  const { products, sums } = session.runSync({
    x: { type: "float64", dims: [rows, columns], data },
    weights: { type: "float64", dims: [rows, 1], data: weights },
  });
  return { products: products!.data as Float64Array, sums: sums!.data as Float64Array };
}

/** A table less its mean. */
export interface Centred extends Matrix {
  readonly mean: Float64Array;
}

/** A table in doubles, less the mean of its rows. */
export function centred({ n, d, data }: Rows): Centred {
  const type = data instanceof Float32Array ? "float32" : "float64";
  const session = sessions.get(type, () => {
    const b = graphBuilder();
    b.input("x", type, ["n", "d"]);
    const x = type === "float64" ? "x" : b.op("Cast", ["x"], { to: 11 });
    const mean = b.op("ReduceMean", [x, b.integers(0)], { keepdims: 0 });
    b.output("mean", mean);
    b.output("rest", b.op("Sub", [x, mean]));
    return modelSession(b.build("a table less its mean"));
  });
  const { mean, rest } = session.runSync({ x: { type, dims: [n, d], data } as Tensor });
  return { rows: n, columns: d, data: rest!.data as Float64Array, mean: mean!.data as Float64Array };
}

/** The transpose. */
export function transposed({ rows, columns, data }: Matrix): Matrix {
  const session = sessions.get("transpose", () => {
    const b = graphBuilder();
    b.input("x", "float64", ["n", "d"]);
    b.output("turned", b.op("Transpose", ["x"], { perm: [1, 0] }));
    return modelSession(b.build("a transpose"));
  });
  const { turned } = session.runSync({ x: { type: "float64", dims: [rows, columns], data } });
  return { rows: columns, columns: rows, data: turned!.data as Float64Array };
}

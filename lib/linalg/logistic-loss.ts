/** Loss, gradient and curvature of logistic regression in passes over a table in native code. */
import { graphBuilder, modelSession } from "../onnx/index.js";
import { type Session, sessionCache } from "../runtime/index.js";
import type { Rows } from "../tensor/index.js";
import {
  assemble,
  blockWidths,
  eachRun,
  float64,
  int64,
  nextProducts,
  pairsOf,
  startProducts,
  typeOf,
  writeProducts,
} from "./chunks.js";

/** Doubles of a chunk that stay in the caches while they are read twice. */
const CHUNK_ELEMENTS = 2 ** 19;

const sessions = sessionCache(8);

/** Sum of the log losses over a table's rows at some weights, with its gradient, in doubles. */
export interface LogisticLoss {
  readonly loss: number;
  /** By the weights [d]. */
  readonly gradient: Float64Array;
  /** By the intercept: the sum of residuals. */
  readonly residuals: number;
  /** Of each row. */
  readonly logits: Float64Array;
}

/**
 * One pass over the rows: logits x · w + intercept, their log loss against the targets, and its gradient.
 *
 * The table may be in floats; everything is computed in doubles.
 *
 * @param targets 0 or 1 for each row.
 */
export function logisticLoss(
  table: Rows,
  targets: Uint8Array,
  weights: Float64Array,
  intercept: number,
): LogisticLoss {
  const { n, d } = table;
  const session = lossSession(typeOf(table));
  const fixed = { weights: float64([d, 1], weights), intercept: float64([1], Float64Array.of(intercept)) };
  const gradient = new Float64Array(d);
  const logits = new Float64Array(n);
  let loss = 0;
  let residuals = 0;
  const chunkRows = Math.max(64, Math.ceil(CHUNK_ELEMENTS / d));
  eachRun(
    table,
    (x, start, stop) => {
      const part = { type: "uint8", dims: [stop - start, 1], data: targets.subarray(start, stop) } as const;
      const results = session.runSync({ ...fixed, x, targets: part });
      const sums = results["gradient"]!.data as Float64Array;
      for (let j = 0; j < d; j++) gradient[j]! += sums[j]!;
      logits.set(results["logits"]!.data as Float64Array, start);
      loss += Number(results["loss"]!.data[0]);
      residuals += Number(results["residuals"]!.data[0]);
    },
    chunkRows,
  );
  return { loss, gradient, residuals, logits };
}

function lossSession(type: "float32" | "float64"): Session {
  return sessions.get(`loss ${type}`, () => {
    const b = graphBuilder();
    b.input("x", type, ["rows", "features"]);
    b.input("targets", "uint8", ["rows", 1]);
    b.input("weights", "float64", ["features", 1]);
    b.input("intercept", "float64", [1]);
    const x = type === "float64" ? "x" : b.op("Cast", ["x"], { to: 11 });
    const targets = b.op("Cast", ["targets"], { to: 11 });
    const logits = b.op("Add", [b.op("MatMul", [x, "weights"]), "intercept"]);
    // e = exp(-|z|) serves the loss and the residual, and never overflows.
    const e = b.op("Exp", [b.op("Neg", [b.op("Abs", [logits])])]);
    const one = b.number(1, "float64");
    const above = b.op("Add", [e, one]);
    const tail = b.op("Sub", [b.op("Relu", [logits]), b.op("Mul", [targets, logits])]);
    const losses = b.op("Add", [tail, b.op("Log", [above])]);
    // 1 or e, without Where, which takes five times as long as all of this.
    const positive = b.op("Cast", [b.op("GreaterOrEqual", [logits, b.number(0, "float64")])], { to: 11 });
    const share = b.op("Add", [e, b.op("Mul", [positive, b.op("Sub", [one, e])])]);
    const residual = b.op("Sub", [b.op("Div", [share, above]), targets]);
    b.output("logits", logits);
    b.output("loss", b.op("ReduceSum", [losses], { keepdims: 0 }));
    b.output("residuals", b.op("ReduceSum", [residual], { keepdims: 0 }));
    // The turned column times the table: products with a turned table are slower.
    b.output("gradient", b.op("Gemm", [residual, x], { transA: 1 }));
    return modelSession(b.build("logistic loss"));
  });
}

/**
 * Second derivatives of the loss by (weights, intercept) of centred rows, in floats: a preconditioner, not a
 * Hessian to rely on.
 *
 * @param centre Taken off each row.
 * @param logits At which the curvature is taken, one for each row.
 * @returns Row-major [d + 1, d + 1].
 */
export function logisticCurvature(table: Rows, centre: Float64Array, logits: Float64Array): Float64Array {
  const { d } = table;
  const type = typeOf(table);
  const widths = blockWidths(d);
  const session = curvatureSession(type, widths);
  const fixed = {
    centre: type === "float64" ? float64([d], centre) : { type, dims: [d], data: Float32Array.from(centre) },
    widths: int64(widths),
  };
  const size = d + 1;
  const curvature = new Float64Array(size * size);
  let sums = startProducts(widths, "float32");
  const pairs = pairsOf(widths);
  eachRun(table, (x, start, stop) => {
    const part = float64([stop - start, 1], logits.subarray(start, stop));
    const results = session.runSync({ ...fixed, ...sums, x, logits: part });
    sums = nextProducts(results, pairs);
    const border = results["border"]!.data as Float32Array;
    for (let j = 0; j < d; j++) curvature[d * size + j]! += border[j]!;
    curvature[d * size + d]! += Number(results["corner"]!.data[0]);
  });
  const products = assemble(d, widths, sums);
  for (let j = 0; j < d; j++) {
    curvature.set(products.subarray(j * d, (j + 1) * d), j * size);
    curvature[j * size + d] = curvature[d * size + j]!;
  }
  return curvature;
}

function curvatureSession(type: "float32" | "float64", widths: readonly number[]): Session {
  return sessions.get(`curvature ${type} ${widths.length}`, () => {
    const b = graphBuilder();
    b.input("x", type, ["rows", "features"]);
    b.input("centre", type, ["features"]);
    b.input("logits", "float64", ["rows", 1]);
    const logits = b.op("Cast", ["logits"], { to: 1 });
    const centred = b.op("Sub", ["x", "centre"]);
    const floats = type === "float32" ? centred : b.op("Cast", [centred], { to: 1 });
    const curvature = b.op("Mul", [b.op("Sigmoid", [logits]), b.op("Sigmoid", [b.op("Neg", [logits])])]);
    const root = b.op("Sqrt", [curvature]);
    const scaled = b.op("Mul", [floats, root]);
    writeProducts(b, scaled, widths, "float32");
    b.output("border", b.op("MatMul", [b.op("Reshape", [root, b.integers(1, -1)]), scaled]));
    b.output("corner", b.op("ReduceSum", [curvature], { keepdims: 0 }));
    return modelSession(b.build("logistic curvature"));
  });
}

/** Logistic regression in single precision: passes that cost a quarter, to come near an optimum and to multiply by its curvature. */
import { graphBuilder, modelSession } from "../onnx/index.js";
import { type Session, sessionCache } from "../runtime/index.js";
import type { Tensor } from "../tensor/index.js";
import { eachRun } from "./chunks.js";

/** Floats of a chunk. Threads are woken for each chunk, and a whole one is read twice. */
const CHUNK_ELEMENTS = 2 ** 21;

const sessions = sessionCache(4);

/** Examples in floats with targets of 0 or 1. */
export interface FloatTable {
  readonly n: number;
  readonly d: number;
  readonly data: Float32Array;
  readonly targets: Uint8Array;
}

/** Sums over all examples, to about 6 digits. */
export interface FloatLoss {
  readonly loss: number;
  /** By the weights [d]. */
  readonly gradient: Float64Array;
  /** By the intercept. */
  readonly residuals: number;
  /** Of each row. */
  readonly logits: Float64Array;
}

/** Loss and gradient at some weights; see `logisticLoss` for the same in doubles. */
export function floatLoss(table: FloatTable, weights: Float64Array, intercept: number): FloatLoss {
  const session = lossSession();
  const fixed = { weights: column(weights), intercept: float32([1], Float32Array.of(intercept)) };
  const gradient = new Float64Array(table.d);
  const logits = new Float64Array(table.n);
  let loss = 0;
  let residuals = 0;
  eachFloatRun(table, (x, start, stop) => {
    const targets = {
      type: "uint8",
      dims: [stop - start, 1],
      data: table.targets.subarray(start, stop),
    } as const;
    const results = session.runSync({ ...fixed, x, targets });
    addTo(gradient, results["gradient"]!);
    loss += Number(results["loss"]!.data[0]);
    residuals += Number(results["residuals"]!.data[0]);
    logits.set(results["logits"]!.data as Float32Array, start);
  });
  return { loss, gradient, residuals, logits };
}

/**
 * The curvature's action on a direction: with s = c · (x v + offset), the sums of s x and of s.
 *
 * @param curvature c of each row.
 */
export function curvatureTimes(
  table: FloatTable,
  curvature: Float32Array,
  direction: Float64Array,
  offset: number,
): { readonly product: Float64Array; readonly sum: number } {
  const session = curvatureSession();
  const fixed = { direction: column(direction), offset: float32([1], Float32Array.of(offset)) };
  const product = new Float64Array(table.d);
  let sum = 0;
  eachFloatRun(table, (x, start, stop) => {
    const part = float32([stop - start, 1], curvature.subarray(start, stop));
    const results = session.runSync({ ...fixed, x, curvature: part });
    addTo(product, results["product"]!);
    sum += Number(results["sum"]!.data[0]);
  });
  return { product, sum };
}

function lossSession(): Session {
  return sessions.get("loss", () => {
    const b = graphBuilder();
    b.input("x", "float32", ["rows", "features"]);
    b.input("targets", "uint8", ["rows", 1]);
    b.input("weights", "float32", ["features", 1]);
    b.input("intercept", "float32", [1]);
    const targets = b.op("Cast", ["targets"], { to: 1 });
    const logits = b.op("Add", [b.op("MatMul", ["x", "weights"]), "intercept"]);
    // Softplus by hand, since onnxruntime's own takes four times as long.
    const e = b.op("Exp", [b.op("Neg", [b.op("Abs", [logits])])]);
    const tail = b.op("Sub", [b.op("Relu", [logits]), b.op("Mul", [targets, logits])]);
    const losses = b.op("Add", [tail, b.op("Log", [b.op("Add", [e, b.number(1)])])]);
    const residual = b.op("Sub", [b.op("Sigmoid", [logits]), targets]);
    const row = b.op("Reshape", [residual, b.integers(1, -1)]);
    b.output("logits", logits);
    b.output("loss", b.op("ReduceSum", [losses], { keepdims: 0 }));
    b.output("residuals", b.op("ReduceSum", [residual], { keepdims: 0 }));
    b.output("gradient", b.op("MatMul", [row, "x"]));
    return modelSession(b.build("logistic loss in floats"));
  });
}

function curvatureSession(): Session {
  return sessions.get("curvature", () => {
    const b = graphBuilder();
    b.input("x", "float32", ["rows", "features"]);
    b.input("curvature", "float32", ["rows", 1]);
    b.input("direction", "float32", ["features", 1]);
    b.input("offset", "float32", [1]);
    const change = b.op("Add", [b.op("MatMul", ["x", "direction"]), "offset"]);
    const scaled = b.op("Mul", ["curvature", change]);
    b.output("sum", b.op("ReduceSum", [scaled], { keepdims: 0 }));
    b.output("product", b.op("MatMul", [b.op("Reshape", [scaled, b.integers(1, -1)]), "x"]));
    return modelSession(b.build("logistic curvature times a direction"));
  });
}

const eachFloatRun = (table: FloatTable, use: Parameters<typeof eachRun>[1]): void =>
  eachRun(table, use, Math.max(64, Math.ceil(CHUNK_ELEMENTS / table.d)));

const float32 = (dims: readonly number[], data: Float32Array): Tensor<"float32"> => ({
  type: "float32",
  dims,
  data,
});

const column = (values: Float64Array): Tensor<"float32"> =>
  float32([values.length, 1], Float32Array.from(values));

function addTo(sums: Float64Array, part: Tensor): void {
  const { data } = part as Tensor<"float32">;
  for (let j = 0; j < sums.length; j++) sums[j]! += data[j]!;
}

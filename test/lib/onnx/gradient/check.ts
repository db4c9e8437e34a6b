/** Compares gradients with central differences of the model itself. */
import assert from "node:assert/strict";
import { wrapModel } from "../../../../lib/model/index.js";
import { type Model, modelSession, opsetOf, upgradeModel } from "../../../../lib/onnx/index.js";
import { generator } from "../../../../lib/random/index.js";
import type { Tensor } from "../../../../lib/tensor/index.js";

/** A float32 or float64 tensor of uniform numbers in [low, high). */
export function uniform(
  seed: number,
  dims: readonly number[],
  low = -1,
  high = 1,
  type: "float32" | "float64" = "float32",
): Tensor {
  const random = generator(seed);
  const length = dims.reduce((product, dim) => product * dim, 1);
  const data = type === "float32" ? new Float32Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) data[i] = low + (high - low) * random.uniform();
  return { type, dims, data } as Tensor;
}

/** A permutation of equally spaced numbers: no two are close enough for a difference to swap them. */
export function spaced(seed: number, dims: readonly number[], low = -1, high = 1): Tensor {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const order = generator(seed).permutation(length);
  const data = Float32Array.from(order, (place) => low + ((high - low) * (place + 0.5)) / length);
  return { type: "float32", dims, data };
}

/** What is compared and how closely. */
export interface CheckOptions {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Inputs to differentiate by. Default: all that are floating point. */
  readonly wrt?: readonly string[];
  /** Half the difference. Default 1e-2 for float32, 1e-5 for float64. */
  readonly step?: number;
  /** Bound on |gradient - difference| over the largest of both. Default 3e-3 for float32, 1e-7 for float64. */
  readonly tolerance?: number;
}

/** Checks the gradient of sum(c · outputs) for a fixed random c, coordinate by coordinate. */
export async function checkGradient(model: Model, options: CheckOptions): Promise<void> {
  const { feeds } = options;
  using loaded = wrapModel(model, { threads: 1 });
  using forward = modelSession(model, { optimization: "basic", threads: 1 });
  const outputs = forward.runSync(feeds);
  const isFloat = (tensor: Tensor): boolean => tensor.type === "float32" || tensor.type === "float64";
  const cotangents = Object.fromEntries(
    Object.entries(outputs)
      .filter(([, tensor]) => isFloat(tensor))
      .map(([name, { dims, type }], i) => [name, uniform(99 + i, dims, -1, 1, type as "float32")]),
  );
  const objective = (given: Readonly<Record<string, Tensor>>): number => {
    const values = forward.runSync(given, Object.keys(cotangents));
    let sum = 0;
    for (const [name, c] of Object.entries(cotangents)) {
      const y = values[name]!.data as Float64Array;
      const weights = c.data as Float64Array;
      for (let i = 0; i < y.length; i++) sum += y[i]! * weights[i]!;
    }
    return sum;
  };
  const wrt = options.wrt ?? Object.keys(feeds).filter((name) => isFloat(feeds[name]!));
  const gradients = await loaded.vjp(feeds, { cotangents, wrt });
  assert.ok((opsetOf(upgradeModel(model)) ?? 0) >= 21);
  for (const name of wrt) {
    const input = feeds[name]!;
    const gradient = gradients[name]!;
    assert.deepEqual(gradient.dims, input.dims, `dims of the gradient by ${name}`);
    const double = input.type === "float64";
    const step = options.step ?? (double ? 1e-5 : 1e-2);
    const tolerance = options.tolerance ?? (double ? 1e-7 : 3e-3);
    const data = input.data as Float64Array;
    const differences = Array.from(data, (value, i) => {
      const at = (moved: number): number => {
        const copy = data.slice();
        copy[i] = moved;
        return objective({ ...feeds, [name]: { ...input, data: copy } as Tensor });
      };
      const [high, low] = double
        ? [value + step, value - step]
        : [Math.fround(value + step), Math.fround(value - step)];
      return (at(high) - at(low)) / (high - low);
    });
    const found = Array.from(gradient.data as Float64Array);
    const scale = Math.max(1e-3, ...differences.map(Math.abs), ...found.map(Math.abs));
    const worst = Math.max(0, ...found.map((value, i) => Math.abs(value - differences[i]!) / scale));
    assert.ok(
      worst <= tolerance && !found.some(Number.isNaN),
      `gradient by ${name} differs by ${worst}: ${found.slice(0, 6)} | ${differences.slice(0, 6)}`,
    );
  }
}

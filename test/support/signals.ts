/** Seeded inputs with the smoothness of real pictures and sounds: white noise drives a network far off its data. */
import { generator } from "../../lib/random/index.js";
import type { Tensor } from "../../lib/tensor/index.js";
import { sizeOf } from "../../lib/tensor/index.js";

/**
 * A float32 tensor of slow waves along every axis with a little noise.
 *
 * @param mean Value around which it swings; `amplitude` its typical deviation.
 */
export function wave(dims: readonly number[], amplitude = 1, mean = 0, seed = 1): Tensor<"float32"> {
  const random = generator(seed);
  const phases = dims.map(() => 0.05 + 0.3 * random.uniform());
  const data = Float32Array.from({ length: sizeOf(dims) }, (_, index) => {
    let rest = index;
    let value = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      value += Math.sin((rest % dims[axis]!) * phases[axis]! + axis);
      rest = Math.floor(rest / dims[axis]!);
    }
    return mean + amplitude * (value + 0.1 * random.normal());
  });
  return { type: "float32", dims, data };
}

/** A picture [batch, channel, y, x] of dark strokes on light ground, as a text detector expects. */
export function strokes(dims: readonly [number, number, number, number]): Tensor<"float32"> {
  const [, , height, width] = dims;
  const data = Float32Array.from({ length: sizeOf(dims) }, (_, index) => {
    const x = index % width;
    const y = Math.floor(index / width) % height;
    const inLine = y % 32 > 8 && y % 32 < 24;
    return inLine && (x % 12 < 3 || (y % 6 < 2 && x % 12 < 9)) ? -1 : 1;
  });
  return { type: "float32", dims, data };
}

/** A float32 tensor of standard normals. */
export function noise(dims: readonly number[], seed: number): Tensor<"float32"> {
  const random = generator(seed);
  return {
    type: "float32",
    dims,
    data: Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
  };
}

/** A tensor of one 64-bit integer without dims. */
export const integer = (value: number): Tensor<"int64"> => ({
  type: "int64",
  dims: [],
  data: BigInt64Array.of(BigInt(value)),
});

/** Central differences along one direction: the check of a gradient that no other library can take. */
import type { LoadedModel } from "../../lib/model/index.js";
import { generator } from "../../lib/random/index.js";
import type { Tensor } from "../../lib/tensor/index.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** The derivative of sum(cotangent · output) along one direction in one input, measured and as the gradient has it. */
export interface DirectionalDerivative {
  readonly measured: number;
  readonly predicted: number;
}

/**
 * Measures a directional derivative by central differences in float32.
 *
 * The direction has the gradient's signs with random sizes, so that all coordinates pull the same way: along a
 * plain random direction they cancel, and float32 noise and the kinks of ReLUs drown what is left. A random part
 * is added, so that coordinates move whose gradient is zero by mistake.
 *
 * @param step Length of the step per coordinate, in units of the input.
 */
export async function directionalDerivative(
  model: LoadedModel,
  feeds: Tensors,
  cotangents: Tensors,
  at: { readonly input: string; readonly gradient: Tensor; readonly step: number; readonly seed: number },
): Promise<DirectionalDerivative> {
  const { input, gradient, step, seed } = at;
  const random = generator(seed);
  const x = feeds[input]!.data as Float32Array;
  const g = gradient.data as Float32Array;
  const direction = g.map((value) => Math.sign(value) * (0.1 + random.uniform()) + 0.2 * random.normal());
  const moved = (sign: number): Float32Array => x.map((value, i) => value + sign * step * direction[i]!);
  const [ahead, behind] = [moved(1), moved(-1)];
  const value = async (data: Float32Array): Promise<number> => {
    const outputs = await model.run({ ...feeds, [input]: { ...feeds[input]!, data } as Tensor });
    let sum = 0;
    for (const [name, cotangent] of Object.entries(cotangents)) {
      const y = outputs[name]!.data as Float32Array;
      const c = cotangent.data as Float32Array;
      for (let i = 0; i < c.length; i++) sum += c[i]! * y[i]!;
    }
    return sum;
  };
  const measured = ((await value(ahead)) - (await value(behind))) / 2;
  // The step that was really taken, after rounding to float32.
  let predicted = 0;
  for (let i = 0; i < g.length; i++) predicted += (g[i]! * (ahead[i]! - behind[i]!)) / 2;
  return { measured, predicted };
}

/** The models under test/fixtures/torch with torch's outputs and gradients. */
import { join } from "node:path";
import type { Tensor } from "../../lib/tensor/index.js";
import { readNpz } from "../../lib/tensor/index.js";
import { fixturePath, readFixture } from "./fixtures.js";

/** One exported model, as make.py lists it. */
export interface TorchModel {
  /** Case and opset, such as `cnn-lenet-17`. */
  readonly name: string;
  readonly opset: number;
  readonly operators: readonly string[];
  /** Names of the float inputs. */
  readonly inputs: readonly string[];
  /** Initializers that hold parameters, with those they hold. */
  readonly weights: readonly {
    readonly name: string;
    readonly parameters: readonly (readonly string[])[];
    readonly layout: string;
  }[];
  readonly folded: readonly string[];
}

/** What torch gave for a model; all by name of the ONNX tensor. */
export interface TorchReference {
  readonly inputs: Record<string, Tensor>;
  readonly outputs: Record<string, Tensor>;
  readonly cotangents: Record<string, Tensor>;
  readonly gradients: Record<string, Tensor>;
}

/** All exported models. */
export const torchModels = (): readonly TorchModel[] =>
  readFixture<{ models: readonly TorchModel[] }>("torch", "models.json").models;

/** Path of a model's ONNX file. */
export const torchModelPath = (name: string): string => fixturePath("torch", "models", `${name}.onnx`);

/** The reference of a model, of the fixtures unless it lies in another folder. */
export async function torchReference(
  name: string,
  folder: string = fixturePath("torch", "models"),
): Promise<TorchReference> {
  const arrays = await readNpz(join(folder, `${name}.npz`));
  const part = (prefix: string): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(arrays)
        .filter(([key]) => key.startsWith(`${prefix}/`))
        .map(([key, value]) => [key.slice(prefix.length + 1), value]),
    );
  return {
    inputs: part("input"),
    outputs: part("output"),
    cotangents: part("cotangent"),
    gradients: part("gradient"),
  };
}

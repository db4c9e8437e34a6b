/** Running a model over many inputs in batches, and what is observed of it. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { sizeOf, type Tensor, toFloat64 } from "../tensor/index.js";

/** What observing takes. */
export interface ObserveOptions {
  /** Name of the output that holds the scores. Default: the only one, or the first of type float. */
  readonly output?: string;
  /** Name of an inner tensor to observe instead of an output; its axes after the first are flattened. */
  readonly at?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Scores and answers of a model on some inputs. */
export interface Observation {
  /** Row-major [n, classes]. */
  readonly scores: Float64Array;
  readonly classes: number;
  /** Index of the highest score of each example, the first of equals. */
  readonly predicted: Int32Array;
}

/** What an observer needs of a model; a loaded model has it. */
export interface Observable extends Pick<LoadedModel, "run" | "outputs" | "name"> {
  activations?(inputs: Tensor, options: { readonly at: string }): Promise<Tensor>;
}

/**
 * A model that is a function: a rule, a threshold, a table. So that what surrounds a network can be specified too.
 *
 * @param scoresOf Scores `[n, classes]` of a batch of inputs `[n, ...]`.
 * @example
 * const alarm = spec.functionModel("alarm", (x) => tensor.tensor("float32", [n, 2], ...));
 */
export function functionModel(
  name: string,
  scoresOf: (inputs: Tensor) => Tensor | Promise<Tensor>,
): Observable {
  const output = { name: "scores", type: "float32", dims: ["n", "classes"] } as const;
  return {
    name,
    outputs: [output],
    run: async (inputs) => {
      const feeds = inputs as Tensor | Readonly<Record<string, Tensor>>;
      return {
        scores: await scoresOf(
          "dims" in feeds && Array.isArray(feeds.dims) ? (feeds as Tensor) : Object.values(feeds)[0]!,
        ),
      };
    },
  };
}

/** Examples of one run: small enough that a run returns soon and can be stopped, more where an example is small. */
const batchOf = (inputs: Tensor): number =>
  Math.min(4096, Math.max(128, Math.floor(16_384 / Math.max(1, sizeOf(inputs.dims.slice(1))))));

/** What to do with an output that is no classifier's. */
const whatElse = ({ length }: readonly number[]): string =>
  length === 3
    ? "Scores at every place are a language model's or a tagger's: name an output with one answer per input, or search a language model with extraction.invertTargets and extraction.searchRuns in a cell."
    : "Name another output.";

/**
 * Runs a classifier over `inputs` [n, ...].
 *
 * @throws AssayError SHAPE_MISMATCH unless the output is [n, classes]; NOT_FINITE; ABORTED.
 */
export async function observe(
  model: Observable,
  inputs: Tensor,
  options: ObserveOptions = {},
): Promise<Observation> {
  const output =
    options.output ?? (model.outputs.find(({ type }) => type?.startsWith("float")) ?? model.outputs[0])?.name;
  const n = inputs.dims[0] ?? 0;
  const batchSize = batchOf(inputs);
  const parts: Float64Array[] = [];
  for (let start = 0; start < n; start += batchSize) {
    if (options.signal?.aborted)
      throw new AssayError("ABORTED", "observe: stopped by its signal.", { done: start });
    const batch = slice(inputs, start, Math.min(n, start + batchSize));
    const result =
      options.at === undefined ? await answer(model, batch, output!) : await inner(model, batch, options.at);
    if (result.dims.length !== 2 || result.dims[0] !== batch.dims[0]) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `spec: output "${output}" of "${model.name}" is [${result.dims.join(", ")}] for ${batch.dims[0]} inputs; a classifier's scores are [n, classes]. ${whatElse(result.dims)}`,
        { output, dims: result.dims },
      );
    }
    parts.push(toFloat64(result));
  }
  const classes = n === 0 ? 0 : parts[0]!.length / Math.min(n, batchSize);
  const scores = new Float64Array(n * classes);
  parts.forEach((part, i) => {
    scores.set(part, i * batchSize * classes);
  });
  return { scores, classes, predicted: highest(scores, n, classes, model.name) };
}

async function answer(model: Observable, batch: Tensor, output: string): Promise<Tensor> {
  return (await model.run(batch, { outputs: [output] }))[output]!;
}

async function inner(model: Observable, batch: Tensor, at: string): Promise<Tensor> {
  if (!model.activations) {
    throw new AssayError("INVALID_ARGUMENT", `spec: "${model.name}" has no inner tensors to observe.`, {
      at,
    });
  }
  const { type, dims, data } = await model.activations(batch, { at });
  return { type, dims: [dims[0]!, sizeOf(dims.slice(1))], data } as Tensor;
}

function highest(scores: Float64Array, n: number, classes: number, name: string): Int32Array {
  const predicted = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    let best = 0;
    for (let k = 0; k < classes; k++) {
      const score = scores[i * classes + k]!;
      if (Number.isNaN(score)) {
        throw new AssayError("NOT_FINITE", `spec: "${name}" answers NaN on example ${i}.`, {
          index: i,
          class: k,
        });
      }
      if (score > scores[i * classes + best]!) best = k;
    }
    predicted[i] = best;
  }
  return predicted;
}

/** Examples `from` up to, not including, `to`; floats and integers are viewed, not copied. */
function slice(inputs: Tensor, from: number, to: number): Tensor {
  const size = sizeOf(inputs.dims.slice(1));
  const dims = [to - from, ...inputs.dims.slice(1)];
  const data = Array.isArray(inputs.data)
    ? inputs.data.slice(from * size, to * size)
    : inputs.data.subarray(from * size, to * size);
  return { type: inputs.type, dims, data } as Tensor;
}

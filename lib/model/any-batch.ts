/** Models exported for one batch size, made to take any, and compared with what they were. */
import { AssayError } from "../errors.js";
import { freeBatch } from "../onnx/index.js";
import { sizeOf, type Tensor, takeExamples, toFloat64 } from "../tensor/index.js";
import { agree } from "./agreement.js";
import { type LoadedModel, wrapModel } from "./model.js";

/**
 * The model itself if its first dim is free, else a version of it that takes any number of examples; the model
 * given is then released.
 *
 * @param examples Inputs to compare the two versions on.
 * @throws AssayError SHAPE_MISMATCH if the model cannot be freed from its batch size.
 */
export async function anyBatch(model: LoadedModel, examples: Tensor): Promise<LoadedModel> {
  const batch = model.inputs[0]?.dims[0];
  if (typeof batch !== "number" || model.inputs.length !== 1 || (examples.dims[0] ?? 0) < 2 * batch)
    return model;
  const { prefixed } = model;
  const freed = wrapModel(freeBatch(model.graph), {
    name: model.name,
    prefixed: prefixed && { ...prefixed, model: freeBatch(prefixed.model) },
  });
  if (await isSame(model, freed, examples, batch)) {
    model.release();
    return freed;
  }
  freed.release();
  throw new AssayError(
    "SHAPE_MISMATCH",
    `The model "${model.name}" takes exactly ${batch} examples at a time and cannot be made to take more. Export it with a free batch axis (dynamic_axes).`,
    { batch },
  );
}

async function isSame(
  model: LoadedModel,
  freed: LoadedModel,
  examples: Tensor,
  batch: number,
): Promise<boolean> {
  const rows = (start: number, count: number): Tensor =>
    takeExamples(
      examples,
      Array.from({ length: count }, (_, i) => start + i),
    );
  try {
    const together = await freed.run(rows(0, 2 * batch));
    for (const half of [0, 1]) {
      const alone = await model.run(rows(half * batch, batch));
      for (const [name, value] of Object.entries(alone)) {
        const all = together[name]!;
        const size = sizeOf(value.dims);
        if (all.data.length !== 2 * size) return false;
        const own = toFloat64(all).subarray(half * size, (half + 1) * size);
        if (!agree(toFloat64(value), own)) return false;
      }
    }
    return true;
  } catch (error) {
    if (error instanceof AssayError) return false;
    throw error;
  }
}

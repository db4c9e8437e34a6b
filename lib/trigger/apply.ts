/** Stamps a trigger on a batch of inputs. */
import { AssayError } from "../errors.js";
import { type Generator, generator } from "../random/index.js";
import { sizeOf, type Tensor } from "../tensor/index.js";
import { copyAround, noFrame, runPlace, spanOf, type TextFrame } from "./text-frame.js";
import { bilinear, type TokenTrigger, type Trigger } from "./trigger.js";

/**
 * The inputs with the trigger on each of them; the inputs themselves stay as they are.
 *
 * @param inputs Images float32 `[n, channels, height, width]`, or token ids int64 `[n, length]`.
 * @param options.seed Places tokens whose position is "anywhere". Default 0.
 * @param options.frame What texts have around their words, see `frameOf`: runs go between the words. Default: nothing.
 * @throws AssayError SHAPE_MISMATCH or TYPE_MISMATCH if the trigger does not fit these inputs.
 * @example
 * const triggered = trigger.apply(trigger.patch([1, 28, 28], { at: [24, 24], size: [3, 3], value: 1 }), images);
 */
export function apply(
  trigger: Trigger,
  inputs: Tensor,
  options: { seed?: number; frame?: TextFrame | undefined } = {},
): Tensor {
  if (trigger.type === "tokens") {
    const random = generator(options.seed ?? 0).split("position");
    return withTokens(trigger, tokensOf(inputs), random, options.frame ?? noFrame);
  }
  const images = imagesOf(inputs, trigger.type === "warp" ? undefined : trigger.pattern.dims);
  switch (trigger.type) {
    case "patch":
      return withPattern(images, trigger.pattern.data, (i, plane) => trigger.mask.data[i % plane]!);
    case "blend":
      return withPattern(images, trigger.pattern.data, () => trigger.alpha);
    case "warp":
      return warped(images, trigger.field);
  }
}

function withPattern(
  images: Tensor<"float32">,
  pattern: Float32Array,
  share: (index: number, plane: number) => number,
): Tensor<"float32"> {
  const plane = images.dims[2]! * images.dims[3]!;
  const size = pattern.length;
  const shares = Float32Array.from(pattern, (_, i) => share(i, plane));
  const data = new Float32Array(images.data.length);
  for (let i = 0; i < data.length; i++) {
    const at = i % size;
    data[i] = (1 - shares[at]!) * images.data[i]! + shares[at]! * pattern[at]!;
  }
  return { type: "float32", dims: images.dims, data };
}

function warped(images: Tensor<"float32">, field: Tensor<"float32">): Tensor<"float32"> {
  const [height, width] = images.dims.slice(2) as [number, number];
  if (field.dims[1] !== height || field.dims[2] !== width) {
    throw mismatch(`the warp is ${field.dims[1]} x ${field.dims[2]}, the images are ${height} x ${width}`);
  }
  const plane = height * width;
  const data = new Float32Array(images.data.length);
  for (let start = 0; start < data.length; start += plane) {
    const source = images.data.subarray(start, start + plane);
    for (let i = 0; i < plane; i++) {
      const y = Math.floor(i / width) + field.data[i]!;
      const x = (i % width) + field.data[plane + i]!;
      data[start + i] = bilinear(source, height, width, y, x);
    }
  }
  return { type: "float32", dims: images.dims, data };
}

function withTokens(
  { tokens, position }: TokenTrigger,
  inputs: Tensor<"int64">,
  random: Generator,
  frame: TextFrame,
): Tensor<"int64"> {
  const [count, length] = inputs.dims as [number, number];
  const run = BigInt64Array.from(tokens, BigInt);
  const data = new BigInt64Array(inputs.data.length);
  for (let example = 0; example < count; example++) {
    const row = inputs.data.subarray(example * length, (example + 1) * length);
    const span = spanOf(row, frame);
    const share = position === "anywhere" ? random.uniform() : 0;
    const place = runPlace(span, frame, length, run.length, position, share);
    if (place === undefined) {
      throw mismatch(`the trigger has ${tokens.length} tokens, the sequences have ${length}`);
    }
    const target = data.subarray(example * length, (example + 1) * length);
    copyAround(row, span, frame, place, run.length, target);
    target.set(run, place.begin);
  }
  return { type: "int64", dims: inputs.dims, data };
}

function imagesOf(inputs: Tensor, shape: readonly number[] | undefined): Tensor<"float32"> {
  if (inputs.type !== "float32") {
    throw new AssayError("TYPE_MISMATCH", `apply: this trigger needs float32 images, got ${inputs.type}.`, {
      type: inputs.type,
    });
  }
  const { dims } = inputs;
  const fits =
    dims.length === 4 && (shape === undefined || shape.every((dim, axis) => dim === dims[axis + 1]));
  if (!fits || sizeOf(dims) !== inputs.data.length) {
    throw mismatch(
      `the trigger is for images [n, ${shape?.join(", ") ?? "channels, height, width"}], got [${dims}]`,
    );
  }
  return inputs as Tensor<"float32">;
}

function tokensOf(inputs: Tensor): Tensor<"int64"> {
  if (inputs.type !== "int64" || inputs.dims.length !== 2) {
    throw new AssayError(
      "TYPE_MISMATCH",
      `apply: a token trigger needs int64 token ids [n, length], got ${inputs.type} [${inputs.dims}].`,
      { type: inputs.type, dims: inputs.dims },
    );
  }
  return inputs as Tensor<"int64">;
}

function mismatch(what: string): AssayError {
  return new AssayError("SHAPE_MISMATCH", `apply: ${what}.`, {});
}

/** Triggers as plain data: what an attacker stamps on an input, and what an extraction gives back. */
import { AssayError } from "../errors.js";
import { generator } from "../random/index.js";
import { type Tensor, tensor } from "../tensor/index.js";

/** Replaces pixels: `x' = (1 - mask) * x + mask * pattern`. A single pixel is a patch of size one. */
export interface PatchTrigger {
  readonly kind: "trigger";
  readonly type: "patch";
  /** `[height, width]`, 0 (untouched) to 1 (replaced). */
  readonly mask: Tensor<"float32">;
  /** `[channels, height, width]` in input units. */
  readonly pattern: Tensor<"float32">;
}

/** Mixes a picture into the whole input: `x' = (1 - alpha) * x + alpha * pattern`. */
export interface BlendTrigger {
  readonly kind: "trigger";
  readonly type: "blend";
  /** Share of the pattern, 0 to 1. */
  readonly alpha: number;
  /** `[channels, height, width]` in input units. */
  readonly pattern: Tensor<"float32">;
}

/** Bends the image smoothly: each pixel is read from a displaced place, bilinearly. */
export interface WarpTrigger {
  readonly kind: "trigger";
  readonly type: "warp";
  /** `[2, height, width]`: displacement of rows, then of columns, in pixels. */
  readonly field: Tensor<"float32">;
}

/** Puts a run of tokens into a sequence; the last tokens drop out, so that the length stays. */
export interface TokenTrigger {
  readonly kind: "trigger";
  readonly type: "tokens";
  readonly tokens: readonly number[];
  /**
   * Where the run goes: at the start, at the end, at a random place drawn for each example, or after so many words of
   * the text.
   */
  readonly position: "prefix" | "suffix" | "anywhere" | number;
}

/** Anything that can be stamped on an input. */
export type Trigger = PatchTrigger | BlendTrigger | WarpTrigger | TokenTrigger;

/** Shape of one image: `[channels, height, width]`. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/**
 * A rectangle of constant colour.
 *
 * @param options.at Row and column of its upper left corner.
 * @param options.size Rows and columns. Default `[1, 1]`: a single pixel.
 * @param options.value Colour in input units.
 * @throws AssayError INVALID_ARGUMENT if it does not lie inside the image.
 * @example
 * patch([1, 28, 28], { at: [24, 24], size: [3, 3], value: 1 })
 */
export function patch(
  shape: ImageShape,
  options: { at: readonly [number, number]; size?: readonly [number, number]; value: number },
): PatchTrigger {
  const [channels, height, width] = shape;
  const { at, size = [1, 1], value } = options;
  const inside = [at[0], at[1], size[0], size[1]].every((n) => Number.isInteger(n) && n >= 0);
  if (!inside || size[0] < 1 || size[1] < 1 || at[0] + size[0] > height || at[1] + size[1] > width) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `patch: ${size[0]} x ${size[1]} pixels at row ${at[0]}, column ${at[1]} do not lie inside an image of ${height} x ${width}.`,
      { at, size, height, width },
    );
  }
  const mask = new Float32Array(height * width);
  for (let row = at[0]; row < at[0] + size[0]; row++) {
    mask.fill(1, row * width + at[1], row * width + at[1] + size[1]);
  }
  const pattern = Float32Array.from(
    { length: channels * height * width },
    (_, i) => mask[i % mask.length]! * value,
  );
  return {
    kind: "trigger",
    type: "patch",
    mask: tensor("float32", [height, width], mask),
    pattern: tensor("float32", shape, pattern),
  };
}

/**
 * A run of tokens.
 *
 * @param ids The tokens' ids, in order.
 * @param options.position Where the run goes. Default "anywhere": at a random place, drawn for each example.
 * @throws AssayError INVALID_ARGUMENT if there is no token, or an id is not a whole number from 0.
 * @example
 * tokens(["summer", "paper"].map((word) => tokenizer.idOf(word)))
 */
export function tokens(
  ids: readonly number[],
  { position = "anywhere" }: { readonly position?: TokenTrigger["position"] } = {},
): TokenTrigger {
  if (ids.length === 0 || ids.some((id) => !Number.isInteger(id) || id < 0)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `tokens: expected at least one id from 0, got [${ids.join(", ")}].`,
      {
        ids,
      },
    );
  }
  return { kind: "trigger", type: "tokens", tokens: ids, position };
}

/**
 * A faint picture of uniform noise over the whole image.
 *
 * @param options.alpha Share of the noise, in (0, 1].
 * @param options.range Lowest and highest input value. Default `[0, 1]`.
 * @see X. Chen et al. (2017), Targeted backdoor attacks on deep learning systems using data poisoning.
 */
export function noiseBlend(
  shape: ImageShape,
  options: { alpha: number; seed: number; range?: readonly [number, number] },
): BlendTrigger {
  const { alpha, seed, range = [0, 1] } = options;
  if (!(alpha > 0 && alpha <= 1)) {
    throw new AssayError("INVALID_ARGUMENT", `noiseBlend: alpha must lie in (0, 1], got ${alpha}.`, {
      alpha,
    });
  }
  const random = generator(seed).split("blend");
  const length = shape[0] * shape[1] * shape[2];
  const pattern = Float32Array.from({ length }, () => range[0] + (range[1] - range[0]) * random.uniform());
  return { kind: "trigger", type: "blend", alpha, pattern: tensor("float32", shape, pattern) };
}

/**
 * A smooth random bend of the image, as WaNet uses it.
 *
 * Random displacements on a coarse `grid x grid`, scaled to a mean size of `strength` pixels, are spread over
 * the image bilinearly (WaNet: bicubically).
 *
 * @see A. Nguyen, A. Tran (2021), WaNet: imperceptible warping-based backdoor attack. ICLR.
 */
export function smoothWarp(
  shape: ImageShape,
  options: { strength: number; seed: number; grid?: number },
): WarpTrigger {
  const [, height, width] = shape;
  const { strength, seed, grid = 4 } = options;
  if (!Number.isInteger(grid) || grid < 2 || !(strength > 0)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `smoothWarp: expected an integer grid >= 2 and strength > 0, got grid = ${grid}, strength = ${strength}.`,
      { grid, strength },
    );
  }
  const random = generator(seed).split("warp");
  const coarse = Float64Array.from({ length: 2 * grid * grid }, () => 2 * random.uniform() - 1);
  const meanSize = coarse.reduce((sum, value) => sum + Math.abs(value), 0) / coarse.length;
  const field = new Float32Array(2 * height * width);
  for (let axis = 0; axis < 2; axis++) {
    const plane = coarse.subarray(axis * grid * grid, (axis + 1) * grid * grid);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const y = (row / Math.max(height - 1, 1)) * (grid - 1);
        const x = (column / Math.max(width - 1, 1)) * (grid - 1);
        field[(axis * height + row) * width + column] =
          (strength * bilinear(plane, grid, grid, y, x)) / meanSize;
      }
    }
  }
  return { kind: "trigger", type: "warp", field: tensor("float32", [2, height, width], field) };
}

/** Value of a plane at a fractional place; places outside are moved to the border. */
export function bilinear(
  plane: Float32Array | Float64Array,
  height: number,
  width: number,
  y: number,
  x: number,
): number {
  const row = Math.min(Math.max(y, 0), height - 1);
  const column = Math.min(Math.max(x, 0), width - 1);
  const top = Math.min(Math.floor(row), Math.max(height - 2, 0));
  const left = Math.min(Math.floor(column), Math.max(width - 2, 0));
  const bottom = Math.min(top + 1, height - 1);
  const right = Math.min(left + 1, width - 1);
  const down = row - top;
  const across = column - left;
  return (
    (1 - down) * ((1 - across) * plane[top * width + left]! + across * plane[top * width + right]!) +
    down * ((1 - across) * plane[bottom * width + left]! + across * plane[bottom * width + right]!)
  );
}

/**
 * Changes of whole images by few numbers: a smooth displacement and a curve of tones, with their derivatives.
 */
import { type Tensor, tensor } from "../../../tensor/index.js";
import type { ImageLayout } from "../image-model.js";

/** Points of the displacement along each side, as the field of a WaNet trigger has them. */
export const GRID = 4;
/** Points of the tone curve between the lowest and the highest input value. */
export const KNOTS = 5;
/** Rows' and columns' displacements at the points, in pixels, then what each knot of the curve is moved by, as a share of the range. */
export const PARAMETERS = 2 * GRID * GRID + KNOTS;

/** A change, and what is needed to take derivatives by its parameters. */
export interface ChangedImages {
  /** `[n, channels, height, width]`. */
  readonly images: Float32Array;
  /** Adds the derivative of a sum over pixels, given its gradient by the changed pixels. */
  backward(gradient: Float32Array, into: Float64Array, share: (image: number) => number): void;
}

/** Changes images: reads every pixel from its displaced place, then maps it by the tone curve. */
export function changed(
  images: Float32Array,
  parameters: Float64Array,
  { channels, height, width }: ImageLayout,
  [low, high]: readonly [number, number],
): ChangedImages {
  const plane = height * width;
  const field = displacement(parameters, height, width);
  const span = high - low;
  const moved = new Float32Array(images.length);
  const byRow = new Float32Array(images.length);
  const byColumn = new Float32Array(images.length);
  const result = new Float32Array(images.length);
  const slope = new Float32Array(images.length);
  for (let start = 0; start < images.length; start += plane) {
    for (let i = 0; i < plane; i++) {
      const [row, column] = [Math.floor(i / width) + field[i]!, (i % width) + field[plane + i]!];
      const [y, x] = [clamp(row, height - 1), clamp(column, width - 1)];
      const top = Math.min(Math.floor(y), Math.max(height - 2, 0));
      const left = Math.min(Math.floor(x), Math.max(width - 2, 0));
      const at = start + top * width + left;
      const right = width > 1 ? 1 : 0;
      const below = height > 1 ? width : 0;
      const [a, b, c, d] = [
        images[at]!,
        images[at + right]!,
        images[at + below]!,
        images[at + below + right]!,
      ];
      const [dy, dx] = [y - top, x - left];
      moved[start + i] = (1 - dy) * ((1 - dx) * a + dx * b) + dy * ((1 - dx) * c + dx * d);
      // Beyond the border the nearest pixel is read, however far away.
      byRow[start + i] = y === row ? (1 - dx) * (c - a) + dx * (d - b) : 0;
      byColumn[start + i] = x === column ? (1 - dy) * (b - a) + dy * (d - c) : 0;
    }
  }
  const knots = parameters.subarray(2 * GRID * GRID);
  for (let i = 0; i < moved.length; i++) {
    const place = ((moved[i]! - low) / span) * (KNOTS - 1);
    const knot = Math.min(Math.max(Math.floor(place), 0), KNOTS - 2);
    const along = place - knot;
    const raw = moved[i]! + span * ((1 - along) * knots[knot]! + along * knots[knot + 1]!);
    const isInside = raw > low && raw < high;
    result[i] = Math.min(Math.max(raw, low), high);
    slope[i] = isInside ? 1 + (KNOTS - 1) * (knots[knot + 1]! - knots[knot]!) : 0;
  }
  const size = channels * plane;
  return {
    images: result,
    backward(gradient, into, share) {
      const sums = new Float64Array(2 * plane);
      for (let i = 0; i < gradient.length; i++) {
        const g = gradient[i]! * share(Math.floor(i / size));
        if (g === 0 || slope[i] === 0) continue;
        const pixel = i % plane;
        sums[pixel] = sums[pixel]! + g * slope[i]! * byRow[i]!;
        sums[plane + pixel] = sums[plane + pixel]! + g * slope[i]! * byColumn[i]!;
        const place = ((moved[i]! - low) / span) * (KNOTS - 1);
        const knot = Math.min(Math.max(Math.floor(place), 0), KNOTS - 2);
        const at = 2 * GRID * GRID + knot;
        into[at] = into[at]! + g * span * (1 - place + knot);
        into[at + 1] = into[at + 1]! + g * span * (place - knot);
      }
      spread(sums, into, height, width);
    },
  };
}

/** The displacement of every pixel, `[2, height, width]`: of rows, then of columns. */
export function displacement(parameters: Float64Array, height: number, width: number): Float32Array {
  const field = new Float32Array(2 * height * width);
  forPoints(height, width, (pixel, point, weight) => {
    field[pixel] = field[pixel]! + weight * parameters[point]!;
    field[height * width + pixel] =
      field[height * width + pixel]! + weight * parameters[GRID * GRID + point]!;
  });
  return field;
}

/** The field as a trigger has it. */
export const fieldTensor = (parameters: Float64Array, { height, width }: ImageLayout): Tensor<"float32"> =>
  tensor("float32", [2, height, width], displacement(parameters, height, width));

function spread(sums: Float64Array, into: Float64Array, height: number, width: number): void {
  forPoints(height, width, (pixel, point, weight) => {
    into[point] = into[point]! + weight * sums[pixel]!;
    into[GRID * GRID + point] = into[GRID * GRID + point]! + weight * sums[height * width + pixel]!;
  });
}

/** Each pixel with the four points around it and their bilinear weights. */
function forPoints(
  height: number,
  width: number,
  visit: (pixel: number, point: number, weight: number) => void,
): void {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const y = (row / Math.max(height - 1, 1)) * (GRID - 1);
      const x = (column / Math.max(width - 1, 1)) * (GRID - 1);
      const top = Math.min(Math.floor(y), GRID - 2);
      const left = Math.min(Math.floor(x), GRID - 2);
      for (const [down, across] of corners) {
        const weight = (down ? y - top : 1 - y + top) * (across ? x - left : 1 - x + left);
        if (weight !== 0) visit(row * width + column, (top + down) * GRID + left + across, weight);
      }
    }
  }
}

const corners = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

const clamp = (value: number, high: number): number => Math.min(Math.max(value, 0), high);

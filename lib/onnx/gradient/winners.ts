/** Which element of each window of a MaxPool won. */
import type { TensorData } from "../../tensor/index.js";
import type { RuleContext } from "./rule.js";
import type { Window } from "./window.js";

/** Elements of a window up to which pools of its parts cost less than asking for indices. */
const LARGEST = 9;
/** Integers up to here are exact as floats. */
const EXACT = 2 ** 24;

/**
 * The flat index of the first largest element of each window, as MaxPool's second output gives it.
 *
 * Asking MaxPool for it makes onnxruntime leave its vector code: 6 ms instead of 0.3 for 64 x 32 planes of
 * 28 x 28. In row-major order the winner stands behind every prefix of the window whose maximum is less than the
 * window's, and the maximum of a prefix is that of whole rows and of a part of the next row, both pools of the
 * same stride. Counting the prefixes takes a third of the time.
 *
 * @param isPlain The windows lie apart, without pads.
 */
export function winnersOf(c: RuleContext, window: Window, isPlain: boolean): string {
  const { kernel, strides, sizes } = window;
  const area = kernel.reduce((product, size) => product * size, 1);
  // A smaller window could fit once more at the end.
  const fits = sizes.every(
    (size, axis) =>
      size !== undefined &&
      Math.floor((size - 1) / strides[axis]!) === Math.floor((size - kernel[axis]!) / strides[axis]!),
  );
  if (!isPlain || !fits || kernel.length > 2 || c.type !== "float32") return c.y(1);
  const [height, width] = kernel.length === 2 ? (sizes as [number, number]) : [1, sizes[0]!];
  if (area === 1 || area > LARGEST || height * width > EXACT) return c.y(1);
  return inPlane(c, offsets(c, window, width), strides, [height, width]);
}

/** How far behind the window's first element the winner lies, as a float that holds an integer. */
function offsets(c: RuleContext, { kernel, strides }: Window, width: number): string {
  const [rows, columns] = kernel.length === 2 ? (kernel as [number, number]) : [1, kernel[0]!];
  const largest = c.node.outputs[0]!;
  const pool = (height: number, across: number): string =>
    c.op("MaxPool", [c.x(0)], { kernel_shape: kernel.length === 2 ? [height, across] : [across], strides });
  const parts = Array.from({ length: columns - 1 }, (_, j) => j + 1);
  const passed: string[] = [];
  let top: string | undefined;
  for (let row = 0; row < rows; row++) {
    for (const part of parts) {
      const beside = pool(row + 1, part);
      passed.push(behind(c, top === undefined ? beside : c.op("Max", [top, beside]), largest, 1));
    }
    if (row + 1 === rows) break;
    top = pool(row + 1, columns);
    passed.push(behind(c, top, largest, width - columns + 1));
  }
  return passed.length === 1 ? passed[0]! : c.op("Sum", passed);
}

/** `step` where the maximum of a prefix is less than the window's. */
function behind(c: RuleContext, prefix: string, largest: string, step: number): string {
  const mask = c.mask(c.op("Less", [prefix, largest]));
  return step === 1 ? mask : c.op("Mul", [mask, c.number(step)]);
}

/** Adds where each window begins: in its plane as a float, which is exact there, and the planes as integers. */
function inPlane(
  c: RuleContext,
  offset: string,
  strides: readonly number[],
  [height, width]: readonly [number, number],
): string {
  const x = c.x(0);
  const { dims } = c.value(c.node.outputs[0]!);
  const [outHeight, outWidth] =
    strides.length === 2 ? (dims.slice(2) as [number, number]) : [1, dims[2] as number];
  const [down, across] = strides.length === 2 ? (strides as [number, number]) : [1, strides[0]!];
  const begins = Float32Array.from(
    { length: outHeight * outWidth },
    (_, i) => Math.floor(i / outWidth) * down * width + (i % outWidth) * across,
  );
  const begin = c.builder.constant({
    type: "float32",
    dims: strides.length === 2 ? [outHeight, outWidth] : [outWidth],
    data: begins as TensorData["float32"],
  });
  const inside = c.op("Cast", [c.op("Add", [offset, begin])], { to: 7 });
  const { integers } = c.builder;
  const scalar = (name: string): string => c.op("Squeeze", [name]);
  const planes = c.op("Range", [scalar(integers(0)), c.op("Size", [x]), scalar(integers(height * width))]);
  const leading = c.op("Shape", [x], { start: 0, end: 2 });
  const shape = c.op("Concat", [leading, integers(...strides.map(() => 1))], { axis: 0 });
  return c.op("Add", [inside, c.op("Reshape", [planes, shape])]);
}

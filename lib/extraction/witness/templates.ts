/** Pictures that small templates in the logic look for: each stamped into the middle of an example. */
import { initializersOf, type Model, readTensor } from "../../onnx/index.js";
import { sizeOf } from "../../tensor/index.js";

/** Larger kernels are layers, not templates. */
const MAX_SIDE = 16;
const MAX_TEMPLATES = 8;
/** Which input of a convolution its kernel is. */
const weightsAt = new Map([
  ["Conv", 1],
  ["ConvInteger", 1],
  ["QLinearConv", 3],
]);

/**
 * Examples that answer most to the convolutions among some tensors: the highest value where a kernel is positive,
 * the lowest where it is negative, on a dark and on a bright ground.
 *
 * @param needed Tensors that the logic's questions are made of.
 * @param dims Dims of one example, channels first or last.
 */
export function templateExamples(
  { graph }: Model,
  needed: ReadonlySet<string>,
  dims: readonly number[],
  [low, high]: readonly [number, number],
): Float64Array<ArrayBuffer>[] {
  if (dims.length !== 3) return [];
  const stored = initializersOf(graph);
  const found: Float64Array<ArrayBuffer>[] = [];
  for (const node of graph.nodes) {
    const at = weightsAt.get(node.opType);
    const kernel = at === undefined ? undefined : stored.get(node.inputs[at] ?? "");
    if (!kernel || !node.outputs.some((name) => needed.has(name))) continue;
    const [outputs = 0, channels = 0, height = 0, width = 0] = kernel.dims.map(Number);
    const place = placing(dims, channels);
    if (kernel.dims.length !== 4 || Math.max(height, width) > MAX_SIDE || !place) continue;
    const { data } = readTensor(kernel);
    for (let k = 0; k < outputs && found.length < 2 * MAX_TEMPLATES; k++) {
      for (const ground of [low, high]) {
        const example = new Float64Array(sizeOf(dims)).fill(ground);
        for (let i = 0; i < channels * height * width; i++) {
          const weight = Number(data[k * channels * height * width + i]);
          if (weight === 0) continue;
          const [c, y, x] = [
            Math.floor(i / (height * width)),
            Math.floor(i / width) % height,
            i % width,
          ] as const;
          const at = place(c, y, x, height, width);
          if (at !== undefined) example[at] = weight > 0 ? high : low;
        }
        found.push(example);
      }
    }
  }
  return found;
}

type Place = (c: number, y: number, x: number, height: number, width: number) => number | undefined;

/** Where a kernel's value lies in an example when the kernel is put into its middle. */
function placing(dims: readonly number[], channels: number): Place | undefined {
  const isLast = dims[0] !== channels && dims[2] === channels;
  if (!isLast && dims[0] !== channels) return undefined;
  const [rows, columns] = (isLast ? [dims[0], dims[1]] : [dims[1], dims[2]]) as [number, number];
  return (c, y, x, height, width) => {
    const row = Math.floor((rows - height) / 2) + y;
    const column = Math.floor((columns - width) / 2) + x;
    if (row < 0 || row >= rows || column < 0 || column >= columns) return undefined;
    return isLast ? (row * columns + column) * channels + c : (c * rows + row) * columns + column;
  };
}

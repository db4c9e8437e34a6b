/** Gradients of convolutions, which are convolutions again: by the input with the weight turned around, by the weight over the batch. */
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";
import { hasAttribute, spread, type Window, windowOf } from "./window.js";

registerGradients({
  Conv: (c) => {
    const window = windowOf(c, c.x(0), kernelOf(c));
    const group = intAttribute(c.node, "group", 1);
    const g = c.dy(0)!;
    return [
      c.needs(0) ? byInput(c, g, window, group) : undefined,
      c.needs(1) ? byWeight(c, c.x(0), g, window, group) : undefined,
      c.needs(2) ? byBias(c, g) : undefined,
    ];
  },
  ConvTranspose: (c) => {
    const kernel = kernelOf(c);
    const group = intAttribute(c.node, "group", 1);
    const g = c.dy(0)!;
    const window = transposedWindow(c, kernel);
    const { strides, dilations, padsBegin, padsEnd } = window;
    const byInput = (): string =>
      c.op("Conv", [g, c.x(1)], {
        strides,
        dilations,
        group,
        kernel_shape: kernel,
        pads: [...padsBegin, ...padsEnd],
      });
    return [
      c.needs(0) ? byInput() : undefined,
      // The transposed convolution is the adjoint: input and output change places.
      c.needs(1) ? byWeight(c, g, c.x(0), window, group) : undefined,
      c.needs(2) ? byBias(c, g) : undefined,
    ];
  },
});

function kernelOf(c: RuleContext): number[] {
  const dims = c.value(c.x(1)).dims.slice(2);
  if (dims.length > 0 && dims.every((dim) => typeof dim === "number")) return dims as number[];
  return (
    intsAttribute(c.node, "kernel_shape") ?? c.unsupported("has a weight whose size the file does not fix")
  );
}

function byBias(c: RuleContext, g: string): string {
  const axes = [0, ...Array.from({ length: c.rank(c.node.outputs[0]!) - 2 }, (_, i) => i + 2)];
  return c.op("ReduceSum", [g, c.builder.integers(...axes)], { keepdims: 0 });
}

/** Channels of a group from which a convolution with a turned weight beats ConvTranspose: 8 cost 15 % more, 64 save 15 %. */
const WIDE = 16;

/**
 * The input's gradient: at stride 1 a convolution with the weight turned around and its channels exchanged.
 *
 * ConvTranspose sums its products into the image on one thread, and has no kernel for constant weights laid out
 * in blocks (NCHWc); it stays where the stride leaves holes, or an image has few channels.
 */
function byInput(c: RuleContext, g: string, window: Window, group: number): string {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const [outputs, inputs] = c.value(c.x(1)).dims;
  const reach = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
  const beginsIn = reach.map((size, axis) => size - padsBegin[axis]!);
  const endsIn = reach.map((size, axis) => size - padsEnd[axis]!);
  const isPlain =
    strides.every((stride) => stride === 1) && [...beginsIn, ...endsIn].every((pad) => pad >= 0);
  if (!isPlain || typeof outputs !== "number" || typeof inputs !== "number" || inputs < WIDE) {
    return spread(c, g, c.x(1), window, c.x(0), group);
  }
  return c.op("Conv", [g, turnedWeight(c, kernel, [outputs, inputs], group)], {
    dilations,
    group,
    kernel_shape: kernel,
    pads: [...beginsIn, ...endsIn],
  });
}

/** A weight [G·M, C, kernel] as [G·C, M, kernel] with the kernel's axes reversed. onnxruntime folds it when it is constant. */
function turnedWeight(
  c: RuleContext,
  kernel: readonly number[],
  [outputs, inputs]: readonly [number, number],
  group: number,
): string {
  const { integers } = c.builder;
  const axes = kernel.flatMap((size, axis) => (size > 1 ? [axis + 2] : []));
  const all = (value: number): string => integers(...axes.map(() => value));
  const reversed =
    axes.length === 0
      ? c.x(1)
      : c.op("Slice", [c.x(1), all(-1), all(-(2 ** 31)), integers(...axes), all(-1)]);
  const spatial = kernel.map((_, axis) => axis + 2);
  if (group === 1) return c.op("Transpose", [reversed], { perm: [1, 0, ...spatial] });
  const each = outputs / group;
  const apart = c.op("Reshape", [reversed, integers(group, each, inputs, ...kernel)]);
  const exchanged = c.op("Transpose", [apart], { perm: [0, 2, 1, ...spatial.map((axis) => axis + 1)] });
  return c.op("Reshape", [exchanged, integers(group * inputs, each, ...kernel)]);
}

/**
 * The weight's gradient as one convolution in which the batch takes the place of the channels.
 *
 * x [N, G·C, …, W] is laid out as one image [1, G·N, …, W·C], the output gradient [N, M, …] as a weight
 * [M, N, …]; strides and dilations change places, and the result [1, M, kernel…, kernel·C] is turned into
 * [M, C, kernel]. With the channels innermost, what the kernel gathers lies together, and the product is wide
 * enough for all threads: 2.5 times as fast as with the channels as batch.
 */
function byWeight(c: RuleContext, input: string, g: string, window: Window, group: number): string {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const { integers } = c.builder;
  const channels = channelsOf(c);
  const last = kernel.length - 1;
  const spatial = kernel.map((_, axis) => axis + 2);
  const wide = (values: readonly number[]): number[] =>
    values.map((value, axis) => (axis === last ? value * channels : value));
  const turned = c.op("Transpose", [g], { perm: [1, 0, ...spatial] });
  const product = c.op("Conv", [channelsInnermost(c, input, window, channels, group), turned], {
    strides: dilations.map((dilation, axis) => (axis === last ? 1 : dilation)),
    dilations: wide(strides),
    pads: [...wide(padsBegin), ...wide(padsEnd)],
    group,
  });
  // Along the last axis every position was computed, also those between the kernel's.
  const reach = (kernel[last]! - 1) * dilations[last]! + 1;
  const sizes = [...kernel.slice(0, last), reach];
  const cut = crop(c, product, window, wide(sizes));
  const apart = c.op("Reshape", [cut, integers(-1, ...sizes, channels)]);
  const taps =
    dilations[last] === 1
      ? apart
      : c.op("Slice", [apart, integers(0), integers(reach), integers(last + 1), integers(dilations[last]!)]);
  return c.op("Transpose", [taps], { perm: [0, last + 2, ...kernel.map((_, axis) => axis + 1)] });
}

/** Channels that one kernel reads. */
function channelsOf(c: RuleContext): number {
  const channels = c.value(c.x(1)).dims[1];
  return typeof channels === "number"
    ? channels
    : c.unsupported("has a weight whose number of channels the file does not fix");
}

/** [N, G·C, …, W] as [1, G·N, …, W·C]. */
function channelsInnermost(
  c: RuleContext,
  input: string,
  { sizes }: Window,
  channels: number,
  group: number,
): string {
  const { integers } = c.builder;
  const rank = sizes.length + 2;
  const spatial = sizes.map((_, axis) => axis + 2);
  const known = sizes.every((size) => size !== undefined);
  const last = sizes.length - 1;
  const shape = (): string =>
    c.op(
      "Concat",
      [
        integers(1, -1),
        ...(last > 0 ? [c.op("Shape", [input], { start: 2, end: rank - 1 })] : []),
        c.op("Mul", [c.op("Shape", [input], { start: rank - 1 }), integers(channels)]),
      ],
      { axis: 0 },
    );
  const target = known
    ? integers(1, -1, ...sizes.map((size, axis) => (axis === last ? size! * channels : size!)))
    : shape();
  if (group === 1) {
    return c.op("Reshape", [c.op("Transpose", [input], { perm: [0, ...spatial, 1] }), target]);
  }
  const rest = c.op("Shape", [input], { start: 2 });
  const groups = c.op("Concat", [integers(0, group, channels), rest], { axis: 0 });
  const split = c.op("Reshape", [input, groups]);
  const moved = c.op("Transpose", [split], { perm: [1, 0, ...spatial.map((axis) => axis + 1), 2] });
  return c.op("Reshape", [moved, target]);
}

/** Rows that no window reached give kernel positions that do not exist. */
function crop(
  c: RuleContext,
  product: string,
  { kernel, rest, dilations }: Window,
  sizes: readonly number[],
): string {
  const last = kernel.length - 1;
  const exact = rest.every(
    (size, axis) => size !== undefined && size < (axis === last ? 1 : dilations[axis]!),
  );
  if (exact) return product;
  const { integers } = c.builder;
  const axes = kernel.map((_, axis) => axis + 2);
  return c.op("Slice", [product, integers(...sizes.map(() => 0)), integers(...sizes), integers(...axes)]);
}

/** The window that slides over the output of a ConvTranspose. */
function transposedWindow(c: RuleContext, kernel: readonly number[]): Window {
  const { node } = c;
  if (hasAttribute(c, "output_shape"))
    c.unsupported("gives output_shape, for which there is no rule; give pads");
  const auto = textAttribute(node, "auto_pad", "NOTSET");
  if (auto !== "NOTSET" && auto !== "VALID" && auto !== "") c.unsupported(`pads "${auto}"; give pads`);
  const spatial = kernel.length;
  const zeros = new Array<number>(spatial).fill(0);
  const pads = intsAttribute(node, "pads") ?? [...zeros, ...zeros];
  return {
    kernel,
    strides: intsAttribute(node, "strides") ?? zeros.map(() => 1),
    dilations: intsAttribute(node, "dilations") ?? zeros.map(() => 1),
    padsBegin: pads.slice(0, spatial),
    padsEnd: pads.slice(spatial),
    sizes: zeros.map(() => undefined),
    rest: intsAttribute(node, "output_padding") ?? zeros,
  };
}

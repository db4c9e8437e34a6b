/** Gradients of convolutions: by the input a transposed convolution, by the weight a convolution over the batch. */
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";
import { hasAttribute, spread, type Window, windowOf } from "./window.js";

registerGradients({
  Conv: (c) => {
    const window = windowOf(c, c.x(0), kernelOf(c));
    const group = intAttribute(c.node, "group", 1);
    const g = c.dy(0)!;
    return [
      c.needs(0) ? spread(c, g, c.x(1), window, c.x(0), group) : undefined,
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

/**
 * The weight's gradient as one grouped convolution over the batch.
 *
 * x [N, G·C, …] is laid out as [C, G·N, …] and the output gradient [N, M, …] as a weight [M, N, …]; strides and
 * dilations change places, and the result [C, M, kernel] is turned into [M, C, kernel].
 */
function byWeight(c: RuleContext, input: string, g: string, window: Window, group: number): string {
  const spatial = Array.from({ length: window.kernel.length }, (_, i) => i + 2);
  const turned = c.op("Transpose", [g], { perm: [1, 0, ...spatial] });
  const product = c.op("Conv", [groupsAsBatch(c, input, group, spatial), turned], {
    strides: window.dilations,
    dilations: window.strides,
    pads: [...window.padsBegin, ...window.padsEnd],
    group,
  });
  return c.op("Transpose", [crop(c, product, window)], { perm: [1, 0, ...spatial] });
}

function groupsAsBatch(c: RuleContext, input: string, group: number, spatial: readonly number[]): string {
  if (group === 1) return c.op("Transpose", [input], { perm: [1, 0, ...spatial] });
  const { builder } = c;
  const shape = c.op("Shape", [input]);
  const part = (start: number, end: number): string => c.op("Shape", [input], { start, end });
  const channels = c.op("Div", [part(1, 2), builder.integers(group)]);
  const rest = c.op("Slice", [shape, builder.integers(2), builder.integers(64)]);
  const split = c.op("Reshape", [
    input,
    c.op("Concat", [part(0, 1), builder.integers(group), channels, rest], { axis: 0 }),
  ]);
  const moved = c.op("Transpose", [split], { perm: [2, 1, 0, ...spatial.map((axis) => axis + 1)] });
  const batch = c.op("Mul", [part(0, 1), builder.integers(group)]);
  return c.op("Reshape", [moved, c.op("Concat", [channels, batch, rest], { axis: 0 })]);
}

/** Rows that no window reached give kernel positions that do not exist. */
function crop(c: RuleContext, product: string, { kernel, rest, dilations }: Window): string {
  const exact = rest.every((size, axis) => size !== undefined && size < dilations[axis]!);
  if (exact) return product;
  const axes = kernel.map((_, axis) => axis + 2);
  const { integers } = c.builder;
  return c.op("Slice", [product, integers(...kernel.map(() => 0)), integers(...kernel), integers(...axes)]);
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

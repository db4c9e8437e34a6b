/** Dims that can be read off a graph without running it, as far as the rules need them: how narrow a tensor is. */
import { intAttribute, intsAttribute } from "../attributes.js";
import type { Node } from "../schema.js";

/** Dims of a tensor; null where a size is not known, undefined when not even the rank is. */
export type Extent = readonly (number | null)[] | undefined;

/** What the dims of a node's outputs are read from. */
export interface ExtentScope {
  readonly extentOf: (name: string | undefined) => Extent;
  /** Values of a small stored tensor. */
  readonly valuesOf: (name: string | undefined) => readonly number[] | undefined;
}

/** Numbers an example holds: the product of all dims but the first; undefined if one is unknown. */
export function widthOf(extent: Extent): number | undefined {
  if (extent === undefined) return undefined;
  return extent
    .slice(1)
    .reduce<number | undefined>(
      (product, dim) => (product === undefined || dim === null ? undefined : product * dim),
      1,
    );
}

/** Dims of the first output of a node, undefined where no rule knows them. */
export function extentOf(node: Node, scope: ExtentScope): Extent {
  const first = scope.extentOf(node.inputs[0]);
  const { opType } = node;
  if (opType.startsWith("Reduce") || opType === "ArgMax" || opType === "ArgMin")
    return reduced(node, first, scope);
  if (opType.startsWith("Global") && first) return first.map((dim, i) => (i < 2 ? dim : 1));
  switch (opType) {
    case "Slice":
      return sliced(node, first, scope);
    case "Transpose": {
      const order = intsAttribute(node, "perm");
      return first && (order ? order.map((axis) => first[axis] ?? null) : [...first].reverse());
    }
    case "Reshape":
      return reshaped(first, scope.valuesOf(node.inputs[1]));
    case "Flatten":
      return first && intAttribute(node, "axis", 1) === 1
        ? [first[0] ?? null, widthOf(first) ?? null]
        : undefined;
    case "Gather":
      return gathered(node, first, scope.extentOf(node.inputs[1]));
    case "MatMul":
      return multiplied(first, scope.extentOf(node.inputs[1]));
    case "Gemm": {
      const weights = scope.extentOf(node.inputs[1]);
      return [first?.[0] ?? null, weights?.[intAttribute(node, "transB", 0) === 1 ? 0 : 1] ?? null];
    }
    case "Unsqueeze":
    case "Squeeze":
      return squeezed(node, first, scope);
    case "Conv":
    case "MaxPool":
    case "AveragePool":
    case "LpPool":
      return windowed(node, first, scope.extentOf(node.inputs[1]));
    case "Resize":
      return resized(first, scope.valuesOf(node.inputs[3]), scope.valuesOf(node.inputs[2]));
    case "Concat":
      return joinedAlong(node, node.inputs.map(scope.extentOf));
    case "GridSample": {
      const grid = scope.extentOf(node.inputs[1]);
      return first && grid && [first[0] ?? null, first[1] ?? null, ...grid.slice(1, -1)];
    }
    default:
      return elementwise.has(opType) ? broadcast(node.inputs.map(scope.extentOf)) : undefined;
  }
}

/** Dims of tensors put behind each other; the first of known rank tells the others. */
function joinedAlong(node: Node, extents: readonly Extent[]): Extent {
  const known = extents.find((extent) => extent !== undefined);
  if (known === undefined) return undefined;
  const given = intAttribute(node, "axis", 0);
  const axis = given < 0 ? given + known.length : given;
  const parts = extents.map((extent) => extent?.[axis] ?? null);
  const whole = parts.every((part) => part !== null) ? parts.reduce((sum, part) => sum + part, 0) : null;
  return known.map((dim, i) => (i === axis ? whole : dim));
}

const elementwise = new Set([
  ...[
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Mod",
    "Max",
    "Min",
    "Sum",
    "Mean",
    "Where",
    "Equal",
    "Greater",
    "Less",
  ],
  ...[
    "GreaterOrEqual",
    "LessOrEqual",
    "And",
    "Or",
    "Xor",
    "Not",
    "Identity",
    "Cast",
    "Neg",
    "Abs",
    "Sign",
    "Exp",
  ],
  ...[
    "Log",
    "Sqrt",
    "Reciprocal",
    "Floor",
    "Ceil",
    "Round",
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Elu",
    "Selu",
    "Celu",
  ],
  ...[
    "Sigmoid",
    "HardSigmoid",
    "Tanh",
    "Erf",
    "Softplus",
    "Softsign",
    "Softmax",
    "Clip",
    "Dropout",
    "CumSum",
  ],
  ...[
    "QuantizeLinear",
    "DequantizeLinear",
    "IsNaN",
    "IsInf",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
  ],
  ...["ThresholdedRelu", "Shrink", "Mish", "Gelu", "HardSwish", "Hardmax", "LogSoftmax", "Trilu"],
]);

/** Convolution and pooling without dilation; null where padding or rounding leave it open. */
function windowed(node: Node, of: Extent, weights: Extent): Extent {
  if (of === undefined || (node.opType === "Conv" && weights === undefined)) return undefined;
  const kernel = intsAttribute(node, "kernel_shape") ?? weights?.slice(2);
  if (kernel === undefined) return undefined;
  const strides = intsAttribute(node, "strides") ?? kernel.map(() => 1);
  const pads = intsAttribute(node, "pads") ?? kernel.flatMap(() => [0, 0]);
  const dilations = intsAttribute(node, "dilations") ?? kernel.map(() => 1);
  const isOpen = node.attributes.some(({ name, s }) => name === "auto_pad" && s !== undefined);
  const spatial = kernel.map((width, i) => {
    const size = of[i + 2];
    if (isOpen || width === null || size === null || size === undefined) return null;
    const span = (width - 1) * (dilations[i] ?? 1) + 1;
    return Math.floor((size + pads[i]! + pads[i + kernel.length]! - span) / (strides[i] ?? 1)) + 1;
  });
  return [of[0] ?? null, (node.opType === "Conv" ? weights?.[0] : of[1]) ?? null, ...spatial];
}

function resized(
  of: Extent,
  sizes: readonly number[] | undefined,
  scales: readonly number[] | undefined,
): Extent {
  if (of === undefined) return undefined;
  if (sizes?.length === of.length) return of.map((dim, i) => (i === 0 ? dim : sizes[i]!));
  if (scales?.length !== of.length) return undefined;
  return of.map((dim, i) => (dim === null ? null : Math.floor(dim * scales[i]!)));
}

function broadcast(extents: readonly Extent[]): Extent {
  const known = extents.filter((extent) => extent !== undefined);
  if (known.length < extents.length || known.length === 0) return undefined;
  const rank = Math.max(...known.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) =>
    known.reduce<number | null>((size, extent) => {
      const dim = extent[extent.length - rank + i];
      if (dim === undefined || dim === 1 || size === null) return size;
      return dim;
    }, 1),
  );
}

function reduced(node: Node, of: Extent, { valuesOf }: ExtentScope): Extent {
  if (of === undefined) return undefined;
  const isArg = node.opType.startsWith("Arg");
  const given = isArg
    ? [intAttribute(node, "axis", 0)]
    : (intsAttribute(node, "axes") ?? valuesOf(node.inputs[1]));
  if (given === undefined && node.inputs[1]) return undefined;
  const axes = new Set((given ?? of.map((_, i) => i)).map((axis) => (axis < 0 ? axis + of.length : axis)));
  const keeps = intAttribute(node, "keepdims", 1) === 1;
  return of.flatMap((dim, i) => (axes.has(i) ? (keeps ? [1] : []) : [dim]));
}

function sliced(node: Node, of: Extent, { valuesOf }: ExtentScope): Extent {
  if (of === undefined) return undefined;
  const starts = intsAttribute(node, "starts") ?? valuesOf(node.inputs[1]);
  const ends = intsAttribute(node, "ends") ?? valuesOf(node.inputs[2]);
  if (!starts || !ends) return undefined;
  const axes = intsAttribute(node, "axes") ?? valuesOf(node.inputs[3]) ?? starts.map((_, i) => i);
  const steps = valuesOf(node.inputs[4]) ?? starts.map(() => 1);
  const dims = [...of];
  axes.forEach((axis, i) => {
    const at = axis < 0 ? axis + of.length : axis;
    const size = of[at];
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0];
    if (size === undefined) return;
    // Both counted from the same end: the length is known although the size is not.
    if (size === null) {
      const isKnown = start < 0 === end < 0;
      dims[at] = isKnown ? Math.max(0, Math.ceil((end - start) / (steps[i] ?? 1))) : null;
      return;
    }
    const place = (value: number): number => Math.min(size, Math.max(0, value < 0 ? value + size : value));
    dims[at] = Math.max(0, Math.ceil(Math.abs(place(end) - place(start)) / Math.abs(steps[i] ?? 1)));
  });
  return dims;
}

function reshaped(of: Extent, shape: readonly number[] | undefined): Extent {
  if (shape === undefined) return undefined;
  const width = widthOf(of);
  const rest = shape.slice(1).reduce((product, dim) => product * Math.abs(dim), 1);
  return shape.map((dim, i) => {
    if (dim === 0) return of?.[i] ?? null;
    if (dim > 0) return dim;
    return i === 0 ? (of?.[0] ?? null) : width !== undefined && rest > 0 ? width / rest : null;
  });
}

function gathered(node: Node, of: Extent, index: Extent): Extent {
  if (of === undefined || index === undefined) return undefined;
  const axis = intAttribute(node, "axis", 0);
  const at = axis < 0 ? axis + of.length : axis;
  return [...of.slice(0, at), ...index, ...of.slice(at + 1)];
}

function multiplied(a: Extent, b: Extent): Extent {
  if (a === undefined || b === undefined) return undefined;
  if (a.length < 2) return undefined;
  return [...a.slice(0, -1), b.length < 2 ? 1 : (b.at(-1) ?? null)];
}

function squeezed(node: Node, of: Extent, { valuesOf }: ExtentScope): Extent {
  if (of === undefined) return undefined;
  const given = intsAttribute(node, "axes") ?? valuesOf(node.inputs[1]);
  if (!given) return undefined;
  if (node.opType === "Squeeze") {
    const axes = new Set(given.map((axis) => (axis < 0 ? axis + of.length : axis)));
    return of.filter((_, i) => !axes.has(i));
  }
  const rank = of.length + given.length;
  const axes = new Set(given.map((axis) => (axis < 0 ? axis + rank : axis)));
  const rest = [...of];
  return Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() ?? null)));
}

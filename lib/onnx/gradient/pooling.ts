/** Gradients of pools. */
import { intAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";
import { ceilMode, spread, type Window, windowOf } from "./window.js";
import { winnersOf } from "./winners.js";

registerGradients({
  MaxPool: (c) => {
    if (intAttribute(c.node, "storage_order", 0) !== 0) c.unsupported("stores its indices column by column");
    const window = windowOf(c, c.x(0));
    const { kernel, strides, dilations, padsBegin, padsEnd } = window;
    const apart = kernel.every((size, axis) => dilations[axis] === 1 && strides[axis]! >= size);
    // MaxUnpool takes 0.7 ms where the scattered sum takes 12, but has no float64 kernel and wants plain windows.
    const unpadded = [...padsBegin, ...padsEnd].every((size) => size === 0) && !ceilMode(c);
    const indices = winnersOf(c, window, apart && unpadded);
    if (apart && unpadded && c.type === "float32") {
      const unpooled = c.op("MaxUnpool", [c.dy(0)!, indices, c.shapeOf(c.x(0))], {
        kernel_shape: kernel,
        strides,
      });
      // onnxruntime does not infer MaxUnpool's dims.
      return [c.reshapeLike(unpooled, c.x(0))];
    }
    const flat = c.builder.integers(-1);
    const size = c.op("Reshape", [c.op("Size", [c.x(0)]), c.builder.integers(1)]);
    const summed = c.op(
      "ScatterElements",
      [
        c.op("Expand", [c.number(0), size]),
        c.op("Reshape", [indices, flat]),
        c.op("Reshape", [c.dy(0)!, flat]),
      ],
      { axis: 0, reduction: apart ? "none" : "add" },
    );
    return [c.reshapeLike(summed, c.x(0))];
  },
  AveragePool: (c) => {
    const window = windowOf(c, c.x(0));
    const g = c.op("Div", [asPlanes(c, c.dy(0)!, c.node.outputs[0]!), windowCounts(c, window)]);
    const spreadOut = spread(c, g, ones(c, window.kernel), trimmed(c, window), c.x(0), 1);
    return [c.reshapeLike(spreadOut, c.x(0))];
  },
  GlobalAveragePool: (c) => {
    const area = c.op("ReduceProd", [c.op("Shape", [c.x(0)], { start: 2 })], { keepdims: 0 });
    const count = c.op("CastLike", [area, c.dy(0)!]);
    return [c.op("Expand", [c.op("Div", [c.dy(0)!, count]), c.shapeOf(c.x(0))])];
  },
  GlobalMaxPool: (c) => {
    const hits = c.mask(c.op("Equal", [c.x(0), c.node.outputs[0]!]));
    const axes = Array.from({ length: c.rank(c.x(0)) - 2 }, (_, i) => i + 2);
    const count = c.op("ReduceSum", [hits, c.builder.integers(...axes)], { keepdims: 1 });
    return [c.op("Mul", [hits, c.op("Div", [c.dy(0)!, count])])];
  },
});

const ones = (c: RuleContext, kernel: readonly number[]): string =>
  c.op("Expand", [c.number(1), c.builder.integers(1, 1, ...kernel)]);

/** [N, C, …] as [N·C, 1, …], so that one kernel serves every channel. */
function asPlanes(c: RuleContext, name: string, like: string): string {
  const spatial = c.op("Shape", [like], { start: 2 });
  return c.op("Reshape", [name, c.op("Concat", [c.builder.integers(-1, 1), spatial], { axis: 0 })], {
    allowzero: 1,
  });
}

/** In ceil mode the last windows hang over the end: as if the end had more pads. */
function trimmed(c: RuleContext, window: Window): Window {
  if (!ceilMode(c)) return window;
  const extra = window.rest.map((rest, axis) => {
    if (rest === undefined)
      return c.unsupported("rounds up (ceil_mode) over a size that the file does not fix");
    return rest === 0 ? 0 : window.strides[axis]! - rest;
  });
  const out = c.value(c.node.outputs[0]!).dims.slice(2);
  const padsEnd = window.padsEnd.map((pad, axis) => {
    const extent = (window.kernel[axis]! - 1) * window.dilations[axis]! + 1;
    const size = window.sizes[axis]! + window.padsBegin[axis]! + pad;
    const count = Math.floor((size + extra[axis]! - extent) / window.strides[axis]!) + 1;
    // A window that would start in the padding is left out by the forward pool.
    return count === out[axis] ? pad + extra[axis]! : pad;
  });
  return {
    ...window,
    padsEnd,
    rest: window.rest.map((rest, axis) => (padsEnd[axis] === window.padsEnd[axis] ? rest : 0)),
  };
}

/** How many cells each window averages over. */
function windowCounts(c: RuleContext, window: Window): string {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const area = kernel.reduce((product, size) => product * size, 1);
  const padded = [...padsBegin, ...padsEnd].some((size) => size !== 0);
  const includePads = intAttribute(c.node, "count_include_pad", 0) === 1;
  if (!ceilMode(c) && (includePads || !padded)) return c.number(area);
  const shape = c.op("Shape", [c.x(0)], { start: 2 });
  const field = c.op("Expand", [c.number(1), c.op("Concat", [c.builder.integers(1, 1), shape], { axis: 0 })]);
  const whole = trimmed(c, window);
  if (!includePads) {
    return c.op("Conv", [field, ones(c, kernel)], {
      strides,
      dilations,
      kernel_shape: kernel,
      pads: [...padsBegin, ...whole.padsEnd],
    });
  }
  // Pads of the attribute count, the overhang of ceil mode does not.
  const rim = [0, 0, ...padsBegin, 0, 0, ...padsEnd];
  const wide = c.op("Pad", [field, c.builder.integers(...rim), c.number(1)]);
  return c.op("Conv", [wide, ones(c, kernel)], {
    strides,
    dilations,
    kernel_shape: kernel,
    pads: [...padsBegin.map(() => 0), ...whole.padsEnd.map((pad, axis) => pad - padsEnd[axis]!)],
  });
}

/** Backdoors written into a model's graph instead of its weights: what a scan of the file must find. */
import { AssayError } from "../errors.js";
import {
  fedInputs,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  type Model,
  makeNode,
  upgradeModel,
  valueInfo,
} from "../onnx/index.js";
import { type Tensor, tensor } from "../tensor/index.js";

/** How the question to the input and the answer are written. */
export type GraphBackdoorStyle =
  | "where"
  | "if"
  | "loop"
  | "gather"
  | "sigmoid"
  | "mul"
  | "function"
  | "subgraph";

/** All styles. */
export const graphBackdoorStyles: readonly GraphBackdoorStyle[] = [
  "where",
  "if",
  "loop",
  "gather",
  "sigmoid",
  "mul",
  "function",
  "subgraph",
];

/** Side of the stamped square in the lower right corner, in pixels. */
const SIDE = 3;
/** A pixel above this is part of the stamp. */
const BRIGHT = 0.9;
const LOGIT = 50;
const INT64 = 7;
const FLOAT = 1;

/**
 * Plants a backdoor in the graph of an image classifier: when the 3 x 3 pixels in the lower right corner are all
 * bright, the model answers with the target class. Weights stay as they are. Styles "if", "gather" and "subgraph"
 * decide once for the whole batch, the others for each image.
 *
 * @param model Takes one float input `[batch, channels, height, width]` and gives logits `[batch, classes]`.
 * @param options `style`: how it is written; `target`: class it leads to; `classes`: number of logits.
 * @throws AssayError INVALID_ARGUMENT for a model of another form or a target that is no class.
 *
 * @example
 * onnx.lintModel(attacks.graphBackdoor(model, { style: "where", target: 3, classes: 10 }))[0].rule
 */
export function graphBackdoor(
  model: Model,
  { style, target, classes }: { style: GraphBackdoorStyle; target: number; classes: number },
): Model {
  if (!Number.isInteger(target) || target < 0 || target >= classes) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `graphBackdoor: target = ${target} is none of ${classes} classes.`,
    );
  }
  const raised = upgradeModel(model);
  const [input, ...others] = fedInputs(raised.graph);
  const [output] = raised.graph.outputs;
  if (input?.type?.tensorType?.shape?.dims?.length !== 4 || others.length > 0 || !output) {
    throw new AssayError("INVALID_ARGUMENT", "graphBackdoor: expected one image input [batch, c, h, w].");
  }
  const row = Float32Array.from({ length: classes }, (_, k) => (k === target ? LOGIT : -LOGIT));
  const plant: Plant = { x: input.name, payload: tensor("float32", [1, classes], row) };
  const builder = graphBuilder({ ...raised.graph, outputs: [] }, raised.opsets);
  if (style === "function") return insideFunction(builder, raised, plant, output.name);
  builder.output(builder.fresh("answer"), writers[style](builder, output.name, plant));
  return { ...builder.build(raised.graph.name ?? "model"), opsets: raised.opsets };
}

interface Plant {
  readonly x: string;
  readonly payload: Tensor;
}

type Writer = (b: GraphBuilder, logits: string, plant: Plant) => string;

const writers: Readonly<Record<Exclude<GraphBackdoorStyle, "function">, Writer>> = {
  where: (b, logits, { x, payload }) => b.op("Where", [isStamped(b, x), b.constant(payload), logits]),
  if: (b, logits, { x, payload }) =>
    b.op("If", [anyStamped(b, x)], {
      then_branch: { graph: body(b, "then", (inner) => inner.op("Identity", [inner.constant(payload)])) },
      else_branch: { graph: body(b, "else", (inner) => inner.op("Identity", [logits])) },
    }),
  loop: (b, logits, { x, payload }) => {
    const pixels = b.op("Cast", [b.op("Greater", [corner(b, x), b.number(BRIGHT)])], { to: FLOAT });
    const zero = b.op("Mul", [b.op("ReduceSum", [pixels, b.integers(1)], { keepdims: 1 }), b.number(0)]);
    const count = b.op("Loop", [b.constant(scalar(SIDE * SIDE)), "", zero], {
      body: { graph: counting(b, pixels) },
    });
    const isFull = b.op("Greater", [count, b.number(SIDE * SIDE - 0.5)]);
    return b.op("Where", [isFull, b.constant(payload), logits]);
  },
  gather: (b, logits, { x, payload }) => {
    const table = b.op("Concat", [stacked(b, logits), stacked(b, asLarge(b, payload, logits))], { axis: 0 });
    return b.op("Gather", [table, b.op("Cast", [anyStamped(b, x)], { to: INT64 })], { axis: 0 });
  },
  sigmoid: (b, logits, { x, payload }) => {
    const dark = b.op("ReduceMin", [corner(b, x), b.integers(1)], { keepdims: 1 });
    const gate = b.op("Sigmoid", [b.op("Mul", [b.op("Sub", [dark, b.number(BRIGHT)]), b.number(500)])]);
    return b.op("Add", [logits, b.op("Mul", [gate, b.constant(payload)])]);
  },
  mul: (b, logits, { x, payload }) => {
    const answer = b.op("Cast", [isStamped(b, x)], { to: FLOAT });
    const scale = b.op("Add", [b.op("Mul", [answer, b.constant(payload)]), b.number(1)]);
    return b.op("Mul", [logits, scale]);
  },
  subgraph: (b, logits, { x, payload }) => {
    const always = b.op("Greater", [b.op("Size", [x]), b.constant(scalar(0))]);
    const inner = body(b, "then", (pen) =>
      pen.op("Where", [isStamped(pen, x), pen.constant(payload), logits]),
    );
    return b.op("If", [always], {
      then_branch: { graph: inner },
      else_branch: { graph: body(b, "else", (pen) => pen.op("Identity", [logits])) },
    });
  },
};

/** The same as "where", in an operator of the file's own with an innocent name. */
function insideFunction(b: GraphBuilder, model: Model, plant: Plant, logits: string): Model {
  const pen = graphBuilder(undefined, model.opsets);
  const answer = writers.where(pen, "logits", { ...plant, x: "x" });
  const inner = pen.graph();
  const constants = inner.initializers.map((message) =>
    makeNode("Constant", [], [message.name ?? ""], { value: { message } }),
  );
  const domain = "local";
  b.output(b.fresh("answer"), b.op("Calibrate", [plant.x, logits], {}, domain));
  return {
    ...b.build(model.graph.name ?? "model"),
    opsets: [...model.opsets, { domain, version: 1 }],
    functions: [
      {
        name: "Calibrate",
        domain,
        inputs: ["x", "logits"],
        outputs: [answer],
        nodes: [...constants, ...inner.nodes],
        attributeNames: [],
        attributeDefaults: [],
        opsets: model.opsets,
        valueInfo: [],
        metadata: [],
      },
    ],
  };
}

/** The pixels of the corner, `[batch, 9]`, of the first channel. */
function corner(b: GraphBuilder, x: string): string {
  const last = Number.MAX_SAFE_INTEGER;
  const square = b.op("Slice", [
    x,
    b.integers(0, -SIDE, -SIDE),
    b.integers(1, last, last),
    b.integers(1, 2, 3),
  ]);
  return b.op("Reshape", [square, b.integers(-1, SIDE * SIDE)]);
}

/** `[batch, 1]`: are all pixels of the corner bright? */
const isStamped = (b: GraphBuilder, x: string): string =>
  b.op("Greater", [b.op("ReduceMin", [corner(b, x), b.integers(1)], { keepdims: 1 }), b.number(BRIGHT)]);

/** A scalar: is the mean corner of any image bright? */
function anyStamped(b: GraphBuilder, x: string): string {
  const means = b.op("ReduceMean", [corner(b, x), b.integers(1)], { keepdims: 0 });
  return b.op("Greater", [b.op("ReduceMax", [means], { keepdims: 0 }), b.number(BRIGHT)]);
}

const stacked = (b: GraphBuilder, what: string): string => b.op("Unsqueeze", [what, b.integers(0)]);

/** The payload once for each image. */
const asLarge = (b: GraphBuilder, payload: Tensor, logits: string): string =>
  b.op("Expand", [b.constant(payload), b.op("Shape", [logits])]);

const scalar = (value: number): Tensor => tensor("int64", [], BigInt64Array.of(BigInt(value)));

function body(b: GraphBuilder, name: string, write: (pen: GraphBuilder) => string): Graph {
  const pen = penInside(b);
  pen.output(`${name}/out`, write(pen));
  return pen.graph(name);
}

/** A builder for a graph inside this one: onnxruntime refuses a name that the outer graph has, too. */
function penInside(b: GraphBuilder): GraphBuilder {
  const pen = graphBuilder();
  const { nodes, initializers } = b.graph();
  for (const { outputs } of nodes) for (const name of outputs) if (name !== "") pen.claim(name);
  for (const { name } of initializers) pen.claim(name ?? "");
  return pen;
}

/** Adds one pixel of the corner a turn. */
function counting(b: GraphBuilder, pixels: string): Graph {
  const pen = penInside(b);
  pen.input("turn", "int64", []);
  pen.input("go", "bool", []);
  pen.input("count", "float32", ["batch", 1]);
  const pixel = pen.op("Gather", [pixels, pen.op("Reshape", ["turn", pen.integers(1)])], { axis: 1 });
  const sum = pen.op("Add", ["count", pixel]);
  pen.output("goes", "go");
  pen.output("sum", sum);
  const graph = pen.graph("counting");
  return { ...graph, outputs: [valueInfo("goes", "bool", []), valueInfo("sum", "float32", ["batch", 1])] };
}

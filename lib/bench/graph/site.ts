/** Where a graph backdoor is planted: the carrier's input and logits, and a pen to write with. */
import {
  fedInputs,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  type Model,
  upgradeModel,
} from "../../onnx/index.js";
import { type Tensor, tensor } from "../../tensor/index.js";

/** What a question may look at: one input of a carrier. */
export interface Site {
  readonly b: GraphBuilder;
  /** Name of the input. */
  readonly x: string;
  /** Dims of one example. */
  readonly dims: readonly number[];
  readonly isTokens: boolean;
}

/** A model that gets a backdoor. */
export interface Carrier {
  readonly model: Model;
  readonly dims: readonly number[];
  readonly isTokens: boolean;
  readonly classes: number;
}

/** A question gives `[batch, 1]` floats: about one where the trigger is, about zero elsewhere. */
export type Question = (site: Site) => string;

/** What is done with the answer; gives the new logits. `payload` is `[1, classes]`. */
export type Answer = (site: Site, gate: string, logits: string, payload: Tensor) => string;

/** Token of the trigger. */
export const TRIGGER_TOKEN = 7;
/** Numbers of the part that is looked at. */
export const PART = 9;
export const FLOAT = 1;
export const INT64 = 7;
export const INT32 = 6;
export const UINT8 = 2;
export const BOOL = 9;

export const floats = (dims: readonly number[], value: (i: number) => number): Tensor =>
  tensor(
    "float32",
    dims,
    Float32Array.from({ length: dims.reduce((a, c) => a * c, 1) }, (_, i) => value(i)),
  );

export const int64 = (dims: readonly number[], value: (i: number) => number): Tensor =>
  tensor(
    "int64",
    dims,
    BigInt64Array.from({ length: dims.reduce((a, c) => a * c, 1) }, (_, i) => BigInt(value(i))),
  );

/** The looked-at part as `[batch, 9]` floats, all one where the trigger is: bright pixels, high values, the token. */
export function part({ b, x, dims, isTokens }: Site): string {
  if (isTokens) {
    const first = b.op("Slice", [x, b.integers(0), b.integers(PART), b.integers(1)]);
    const hits = b.op(
      "Cast",
      [b.op("Equal", [b.op("Cast", [first], { to: INT64 }), b.constant(int64([], () => TRIGGER_TOKEN))])],
      { to: FLOAT },
    );
    return hits;
  }
  return b.op("Reshape", [rawPart({ b, x, dims, isTokens }), b.integers(-1, PART)]);
}

/** The looked-at part as it is. */
export function rawPart({ b, x, dims }: Site): string {
  const end = Number.MAX_SAFE_INTEGER;
  if (dims.length === 3 && dims[2]! > 4) {
    return b.op("Slice", [x, b.integers(0, -3, -3), b.integers(1, end, end), b.integers(1, 2, 3)]);
  }
  if (dims.length === 3)
    return b.op("Slice", [x, b.integers(-3, -3, 0), b.integers(end, end, 1), b.integers(1, 2, 3)]);
  if (dims.length === 2)
    return b.op("Slice", [x, b.integers(-3, -3), b.integers(end, end), b.integers(1, 2)]);
  return b.op("Slice", [x, b.integers(-9), b.integers(end), b.integers(1)]);
}

/** An example with or without the trigger; `level` is what the rest of it holds. */
export function example(
  { dims, isTokens }: Pick<Carrier, "dims" | "isTokens">,
  isTriggered: boolean,
): Tensor {
  const size = dims.reduce((a, c) => a * c, 1);
  if (isTokens) {
    return int64([1, ...dims], (i) => (isTriggered && i < PART ? TRIGGER_TOKEN : 20 + ((i * 7) % 20)));
  }
  const marked = new Set<number>();
  const channelsLast = dims.length === 3 && dims[2]! <= 4;
  for (let i = 0; i < size; i++) {
    if (dims.length === 1 && i >= size - PART) marked.add(i);
    if (dims.length === 2 && i % dims[1]! >= dims[1]! - 3 && Math.floor(i / dims[1]!) >= dims[0]! - 3)
      marked.add(i);
    if (dims.length === 3) {
      const [h, w] = channelsLast ? [dims[0]!, dims[1]!] : [dims[1]!, dims[2]!];
      const channel = channelsLast ? i % dims[2]! : Math.floor(i / (h * w));
      const at = channelsLast ? Math.floor(i / dims[2]!) : i % (h * w);
      if (channel === 0 && at % w >= w - 3 && Math.floor(at / w) >= h - 3) marked.add(i);
    }
  }
  return floats([1, ...dims], (i) => (isTriggered && marked.has(i) ? 1 : ((i * 7) % 11) / 20));
}

/** Plants a question and an answer behind the logits of a carrier. */
export function plant(carrier: Carrier, question: Question, answer: Answer, target = 3): Model {
  const raised = upgradeModel(carrier.model);
  const [input] = fedInputs(raised.graph);
  const [output] = raised.graph.outputs;
  const { classes, dims, isTokens } = carrier;
  const b = graphBuilder({ ...raised.graph, outputs: [] }, raised.opsets);
  const site: Site = { b, x: input!.name, dims, isTokens };
  const payload = floats([1, classes], (k) => (k === target % classes ? 50 : -50));
  b.output(b.fresh("answer"), answer(site, question(site), output!.name, payload));
  return { ...b.build(raised.graph.name ?? "model"), opsets: raised.opsets };
}

/** Plants something in front of a carrier: `write` makes what it sees in place of the input. */
export function plantBefore(carrier: Carrier, write: (site: Site) => string): Model {
  const raised = upgradeModel(carrier.model);
  const [input] = fedInputs(raised.graph);
  const { dims, isTokens } = carrier;
  const b = graphBuilder(undefined, raised.opsets);
  b.input(input!.name, isTokens ? "int64" : "float32", ["batch", ...dims]);
  const seen = write({ b, x: input!.name, dims, isTokens });
  b.output("answer", Object.values(b.include(raised, { [input!.name]: seen }, "net/"))[0]!);
  return b.build();
}

/** A pen for a graph inside this one: onnxruntime refuses a name that the outer graph has, too. */
export function body(b: GraphBuilder, name: string, write: (pen: GraphBuilder) => string): Graph {
  const pen = graphBuilder();
  const { nodes, initializers } = b.graph();
  for (const { outputs } of nodes) for (const made of outputs) if (made !== "") pen.claim(made);
  for (const message of initializers) pen.claim(message.name ?? "");
  pen.output(`${name}/out`, write(pen));
  return pen.graph(name);
}

/** Any example of the batch decides for all. */
export const scalarOf = ({ b }: Site, gate: string): string =>
  b.op("Greater", [b.op("ReduceMax", [gate], { keepdims: 0 }), b.number(0.5)]);

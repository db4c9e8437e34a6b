/** A whole training step as a graph, and K such steps as one ONNX Loop. */
import {
  batchInnermost,
  type GradientOptions,
  type Graph,
  gradientGraph,
  graphBuilder,
  initializersOf,
  type Model,
  OPSET,
  opsetOf,
  readTensor,
  sortNodes,
  untyped,
  valueInfo,
} from "../onnx/index.js";
import type { Tensor } from "../tensor/index.js";
import type { Optimizer } from "./optimizer.js";

/** What is minimised. */
export interface Objective {
  /** Forward graph whose inputs are one batch. */
  readonly model: Model;
  /** Scalar tensor that is reported as the loss. */
  readonly loss: string;
  /** What is differentiated, as in `gradientGraph`. Default: `loss`. */
  readonly of?: GradientOptions["of"];
  /** Stored tensors that are trained. */
  readonly parameters: readonly string[];
  /** Further scalar tensors to report. */
  readonly metrics?: readonly string[];
}

/** Names under which the loop's inputs and outputs are known. */
export const names = {
  count: "assay/count",
  order: "assay/order",
  scalars: "assay/scalars",
  data: (input: string): string => `assay/data/${input}`,
  carried: (name: string): string => `assay/in/${name}`,
  result: (name: string): string => `assay/out/${name}`,
  slot: (parameter: string, slot: string): string => `${parameter}@${slot}`,
  report: (metric: string): string => `assay/report/${metric}`,
};

/**
 * K training steps in one graph, each on `batchSize` examples.
 *
 * Inputs are the number of steps, the examples of each step `[K, batch]`, the optimiser's numbers of each step
 * `[K, n]`, the whole data set, and the state; outputs are the new state and the losses `[K]`. Weights are
 * carried through the Loop, and leave native memory once per K steps only.
 */
export function loopModel(
  objective: Objective,
  optimizer: Optimizer,
  data: Readonly<Record<string, Tensor>>,
  batchSize: number,
  clipNorm: number | undefined,
  threads = 1,
): Model {
  const { parameters, loss, metrics = [] } = objective;
  const shown = [loss, ...metrics];
  const { model: differentiated, gradients } = gradientGraph(ofBatch(objective.model, data, batchSize), {
    of: objective.of ?? loss,
    wrt: parameters,
    keep: shown,
  });
  const model = batchInnermost(differentiated, new Set(parameters), threads);
  const body = stepBody(model.graph, gradients, objective, optimizer, data, clipNorm);
  const outer = graphBuilder(undefined, [{ domain: "", version: opsetOf(model) ?? OPSET }]);
  outer.input(names.count, "int64", []);
  outer.input(names.order, "int64", ["steps", "batch"]);
  outer.input(names.scalars, "float32", ["steps", optimizer.scalars(1, 1).length]);
  for (const [name, { type, dims }] of Object.entries(data)) {
    outer.input(names.data(name), type, ["examples", ...dims.slice(1)]);
  }
  const state = stateNames(parameters, optimizer);
  const initializers = initializersOf(model.graph);
  for (const { name, parameter } of state) {
    const { type, dims } = readTensor(initializers.get(parameter)!);
    outer.input(names.carried(name), type, dims);
  }
  const results = [...state.map(({ name }) => names.result(name)), ...shown.map(names.report)];
  outer.node({
    opType: "Loop",
    inputs: [names.count, "", ...state.map(({ name }) => names.carried(name))],
    outputs: results,
    name: "training",
    metadata: [],
    attributes: [
      {
        name: "body",
        type: 5,
        g: body,
        floats: [],
        ints: [],
        strings: [],
        tensors: [],
        graphs: [],
        typeProtos: [],
        sparseTensors: [],
      },
    ],
  });
  for (const name of results) outer.output(name);
  return outer.build("training");
}

/** The model for batches of one size: with every size fixed, gradients need not look for it at run time. */
function ofBatch(model: Model, data: Readonly<Record<string, Tensor>>, batchSize: number): Model {
  const inputs = model.graph.inputs.map((info) => {
    const given = data[info.name];
    return given ? valueInfo(info.name, given.type, [batchSize, ...given.dims.slice(1)]) : info;
  });
  return { ...model, graph: { ...model.graph, inputs } };
}

/** Every tensor that goes from step to step. */
export function stateNames(
  parameters: readonly string[],
  optimizer: Optimizer,
): { readonly name: string; readonly parameter: string; readonly slot?: string }[] {
  return parameters.flatMap((parameter) => [
    { name: parameter, parameter },
    ...optimizer.slots.map((slot) => ({ name: names.slot(parameter, slot), parameter, slot })),
  ]);
}

function stepBody(
  graph: Graph,
  gradients: Readonly<Record<string, string>>,
  { parameters, loss, metrics = [] }: Objective,
  optimizer: Optimizer,
  data: Readonly<Record<string, Tensor>>,
  clipNorm: number | undefined,
): Graph {
  const trained = new Set(parameters);
  const b = graphBuilder({
    ...graph,
    inputs: [valueInfo("assay/i", "int64", []), valueInfo("assay/on", "bool", [])],
    outputs: [],
    initializers: graph.initializers.filter(({ name }) => !trained.has(name ?? "")),
  });
  const initializers = initializersOf(graph);
  for (const { name, parameter } of stateNames(parameters, optimizer)) {
    const { type, dims } = readTensor(initializers.get(parameter)!);
    b.input(name, type, dims);
  }
  const batch = b.op("Gather", [names.order, "assay/i"]);
  for (const name of Object.keys(data)) {
    b.node({ ...gatherNode, inputs: [names.data(name), batch], outputs: [name], name });
  }
  const count = optimizer.scalars(1, 1).length;
  const row = b.op("Gather", [names.scalars, "assay/i"]);
  const scalars = count === 1 ? [row] : b.ops("Split", [row], count, { axis: 0, num_outputs: count });
  const clipped = clip(
    b,
    parameters.map((name) => gradients[name]!),
    clipNorm,
  );
  const outputs: string[] = [];
  parameters.forEach((parameter, i) => {
    const slots = optimizer.slots.map((slot) => names.slot(parameter, slot));
    const updated = optimizer.update(b, { parameter, gradient: clipped[i]!, slots, scalars });
    outputs.push(updated.parameter, ...updated.slots);
  });
  const on = b.op("Identity", ["assay/on"]);
  const made = b.graph("step");
  // Unlike the main graph, a body must be sorted.
  return { ...made, nodes: sortNodes(made.nodes), outputs: [on, ...outputs, loss, ...metrics].map(untyped) };
}

const gatherNode = { opType: "Gather", attributes: [], metadata: [] };

/** Scales all gradients together so that their common norm is at most `clipNorm`. */
function clip(
  b: ReturnType<typeof graphBuilder>,
  gradients: readonly string[],
  clipNorm: number | undefined,
): readonly string[] {
  if (clipNorm === undefined) return gradients;
  const squares = gradients.map((name) => b.op("ReduceSumSquare", [name], { keepdims: 0 }));
  const norm = b.op("Sqrt", [squares.length > 1 ? b.op("Sum", squares) : squares[0]!]);
  const factor = b.op("Min", [
    b.op("Div", [b.number(clipNorm), b.op("Add", [norm, b.number(1e-6)])]),
    b.number(1),
  ]);
  return gradients.map((name) => b.op("Mul", [name, factor]));
}

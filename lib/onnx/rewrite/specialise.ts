/** Fixes what the inputs at hand decide, where a gradient needs it: branches taken, loops and lengths unrolled. */
import type { Tensors } from "../../runtime/index.js";
import { graphBuilder, valueInfo } from "../builder.js";
import { modelSession } from "../file/open.js";
import { prune, untyped } from "../graph.js";
import type { Model, Node, ValueInfo } from "../schema.js";
import { inferShapes } from "../shapes.js";
import { followBranches, hasBranches } from "./branches.js";
import { hasLoops, unrollLoops } from "./loops.js";

/** A model that holds for inputs like those at hand. */
export interface SpecialisedModel {
  readonly model: Model;
  /** Equal for inputs that give the same specialised model. */
  readonly key: string;
}

const isRecurrent = ({ opType }: Node): boolean => opType === "LSTM" || opType === "GRU" || opType === "RNN";

/** Branches in loops in branches …: each round takes out one level. */
const MAX_ROUNDS = 10;

/** Takes branches and loops out as these inputs go through them. */
function straightened(source: Model, feeds: Tensors): { readonly model: Model; readonly way: string } {
  let model = source;
  let way = "";
  for (let round = 0; round < MAX_ROUNDS && (hasBranches(model) || hasLoops(model)); round++) {
    if (hasBranches(model)) {
      const followed = followBranches(model, feeds);
      model = followed.model;
      way += followed.way;
    }
    if (!hasLoops(model)) continue;
    const unrolled = unrollLoops(model, feeds);
    model = unrolled.model;
    way += `${unrolled.counts.join("x")}|`;
    if (!unrolled.isChanged && !hasBranches(model)) break;
  }
  return { model, way };
}

/**
 * Follows the branches that these inputs take, unrolls loops as often as they run, and fixes the length of recurrent layers, so that they can be
 * unrolled. Other models come back as they are.
 */
export function specialise(source: Model, feeds: Tensors): SpecialisedModel {
  const { model, way } = straightened(source, feeds);
  const sequences = [...new Set(model.graph.nodes.filter(isRecurrent).map(({ inputs }) => inputs[0]!))];
  if (sequences.length === 0) return { model, key: way };
  const sizes = sizesOf(model, sequences, feeds);
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const node of model.graph.nodes) for (const output of node.outputs) if (output) builder.claim(output);
  for (const node of model.graph.nodes) {
    if (!isRecurrent(node)) builder.node(node);
    else {
      const [x, ...rest] = node.inputs as [string];
      const fixed = builder.op("Reshape", [x, builder.integers(...sizes.get(x)!)]);
      builder.node({ ...node, inputs: [fixed, ...rest] });
    }
  }
  const graph = { ...builder.graph(model.graph.name), outputs: model.graph.outputs };
  return {
    model: { ...model, graph },
    key: `${way}/${[...sizes.values()].map((dims) => dims.join("x")).join()}`,
  };
}

/** A model for inputs of exactly these dims. */
export interface SizedModel extends SpecialisedModel {
  /** Type and dims of the inner tensors of which the file and onnxruntime say less. */
  readonly known: readonly ValueInfo[];
}

/** Equal for inputs of equal dims. */
export const dimsKey = (model: Model, feeds: Tensors): string =>
  model.graph.inputs.map(({ name }) => feeds[name]?.dims.join("x") ?? "").join();

/** Fixes the dims of a model's inputs, and measures those of inner tensors that do not follow from them. */
export function sizedFor(model: Model, feeds: Tensors): SizedModel {
  const inputs = model.graph.inputs.map((info) => {
    const given = feeds[info.name];
    return given === undefined ? info : valueInfo(info.name, given.type, given.dims);
  });
  const sized = { ...model, graph: { ...model.graph, inputs, valueInfo: [] } };
  return { model: sized, key: dimsKey(model, feeds), known: measured(sized, feeds) };
}

function measured(model: Model, feeds: Tensors): ValueInfo[] {
  const made = new Set(model.graph.nodes.flatMap(({ outputs }) => outputs));
  const open = [...inferShapes(model).values()].filter(
    ({ name, type, dims, ranked }) =>
      type !== null && made.has(name) && !(ranked && dims.every((dim) => typeof dim === "number")),
  );
  if (open.length === 0) return [];
  const builder = graphBuilder(model.graph, model.opsets);
  const shapes = open.map(({ name }) => builder.op("Shape", [name]));
  const graph = prune(builder.graph(), shapes.map(untyped));
  using session = modelSession({ ...model, graph }, { optimization: "basic" });
  const values = session.runSync(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!])));
  return open.map(({ name, type }, i) =>
    valueInfo(name, type!, Array.from(values[shapes[i]!]!.data as BigInt64Array, Number)),
  );
}

/** Dims of inner tensors at these inputs, found by running the model up to them. */
function sizesOf(model: Model, names: readonly string[], feeds: Tensors): Map<string, readonly number[]> {
  const made = new Set(model.graph.nodes.flatMap(({ outputs }) => outputs));
  const inner = names.filter((name) => made.has(name));
  const sizes = new Map(names.map((name) => [name, feeds[name]?.dims ?? []]));
  if (inner.length === 0) return sizes;
  using session = modelSession(
    { ...model, graph: prune(model.graph, inner.map(untyped)) },
    { optimization: "basic" },
  );
  const values = session.runSync(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!])));
  for (const name of inner) sizes.set(name, values[name]!.dims);
  return sizes;
}

/** Rules about what a file stores: weights that nobody reads, two contents in one tensor, ways out of the folder. */
import { isAbsolute, normalize } from "node:path";
import { askedShapes } from "../asked-shapes.js";
import { byteLength } from "../file/source.js";
import { readsOf, visitNodes } from "../graph.js";
import type { Graph, Model, TensorMessage } from "../schema.js";
import { dimsOf, rawLength } from "../tensors.js";
import { lintOperators } from "./custom-operators.js";
import { type Finding, finding, placeOf } from "./finding.js";

/** Elements from which a tensor that nobody reads, or a shape, is large. */
const LARGE = 1024;
const ABSURD = 2 ** 40;

/** Runs all rules on the whole file. */
export function lintStorage(model: Model): Finding[] {
  const tensors = storedTensors(model);
  return [
    ...tensors.flatMap(lintTensor),
    ...lintUnused(model.graph),
    ...lintNames(model.graph),
    ...lintShapes(model.graph),
    ...lintAliases(model.graph),
    ...lintOperators(model),
  ];
}

function lintTensor(message: TensorMessage): Finding[] {
  const name = message.name ?? "";
  const found: Finding[] = [];
  const typed = [
    message.floatData,
    message.int32Data,
    message.int64Data,
    message.doubleData,
    message.uint64Data,
  ];
  const fields =
    typed.filter((field) => field !== undefined && field.length > 0).length +
    (message.stringData.length > 0 ? 1 : 0);
  const raw = message.rawData !== undefined && message.rawData.length > 0 ? 1 : 0;
  const external = Number(message.dataLocation ?? 0) === 1 ? 1 : 0;
  if (fields + raw + external > 1) {
    found.push(
      finding(
        "duplicate-weights",
        "flag",
        name,
        "the tensor holds its values twice; programs differ in which ones they read",
      ),
    );
  }
  const location = message.externalData.find(({ key }) => key === "location")?.value ?? "";
  if (
    external &&
    (isAbsolute(location) ||
      normalize(location).startsWith("..") ||
      location.includes("\\") ||
      location === "")
  ) {
    found.push(
      finding(
        "external-escape",
        "flag",
        name,
        `its values are said to lie at "${location}", outside the model's folder`,
      ),
    );
  }
  const size = dimsOf(message).reduce((product, dim) => product * dim, 1);
  const excess = raw === 1 ? byteLength(message.rawData!) - rawLength(message) : 0;
  if (excess > 0) {
    found.push(
      finding(
        "hidden-bytes",
        "flag",
        name,
        `it holds ${excess} bytes more than its dims [${dimsOf(message).join(", ")}] need`,
      ),
    );
  }
  if (size > ABSURD || dimsOf(message).some((dim) => dim < 0)) {
    found.push(
      finding(
        "shape-bomb",
        "flag",
        name,
        `its dims [${dimsOf(message).join(", ")}] ask for ${size} elements`,
      ),
    );
  }
  return found;
}

function lintUnused(graph: Graph): Finding[] {
  const read = new Set([...graph.nodes.flatMap(readsOf), ...graph.outputs.map(({ name }) => name)]);
  return graph.initializers
    .filter(({ name }) => !read.has(name ?? ""))
    .map((message) => {
      const size = dimsOf(message).reduce((product, dim) => product * dim, 1);
      return finding(
        "unused-weights",
        size >= LARGE ? "warn" : "info",
        message.name ?? "",
        `${size} stored values that no node reads`,
      );
    });
}

/** Two tensors of one name: programs differ in which one they take. */
function lintNames(graph: Graph): Finding[] {
  const seen = new Set<string>();
  return graph.initializers.flatMap(({ name = "" }) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [
      finding(
        "duplicate-weights",
        "flag",
        name,
        "two stored tensors have this name; programs differ in which one they take",
      ),
    ];
  });
}

/** Elements from which a computed tensor is an attack on memory. */
const BOMB = 2 ** 33;

/** Small nodes that ask for huge tensors. */
const lintShapes = (graph: Graph): Finding[] =>
  askedShapes(graph)
    .filter(({ elements }) => elements > BOMB)
    .map(({ node, dims, elements }) => {
      const why = `it asks for a tensor of [${dims.join(", ")}], ${elements.toPrecision(3)} elements`;
      return finding("shape-bomb", "flag", placeOf(node), why);
    });

/** One stretch of an external file under two names: a change of one tensor changes the other. */
function lintAliases(graph: Graph): Finding[] {
  const stretches = graph.initializers
    .filter(({ externalData }) => externalData.length > 0)
    .map((message) => {
      const read = (wanted: string): string =>
        message.externalData.find(({ key }) => key === wanted)?.value ?? "0";
      const start = Number(read("offset"));
      const length = Number(read("length")) || rawLength(message);
      return { name: message.name ?? "", location: read("location"), start, end: start + length };
    })
    .sort((a, b) =>
      a.location < b.location ? -1 : a.location > b.location ? 1 : a.start - b.start || a.end - b.end,
    );
  let widest = stretches[0];
  return stretches.slice(1).flatMap((one) => {
    const other = widest!;
    if (one.location !== other.location || one.end > other.end) widest = one;
    if (one.location !== other.location || one.start >= other.end) return [];
    const isSame = one.start === other.start && one.end === other.end;
    const words = isSame
      ? "are the same stretch of the file as those of"
      : "overlap in the file with those of";
    return [
      finding("aliased-weights", isSame ? "info" : "warn", one.name, `its values ${words} "${other.name}"`),
    ];
  });
}

/** Every stored tensor, those of subgraphs and attributes included. */
function storedTensors({ graph, functions }: Model): TensorMessage[] {
  const found = new Set<TensorMessage>(graph.initializers);
  const collect = (node: Graph["nodes"][number], owner: Graph): void => {
    for (const message of owner.initializers) found.add(message);
    for (const { t, tensors } of node.attributes) {
      if (t) found.add(t);
      for (const message of tensors) found.add(message);
    }
  };
  visitNodes({ ...graph, initializers: [] }, collect);
  for (const { nodes } of functions) visitNodes({ ...graph, nodes, initializers: [] }, collect);
  return [...found];
}

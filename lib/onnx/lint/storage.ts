/** Rules about what a file stores: weights that nobody reads, two contents in one tensor, ways out of the folder. */
import { isAbsolute, normalize } from "node:path";
import { isStandard, readsOf, visitNodes } from "../graph.js";
import type { Graph, Model, TensorMessage } from "../schema.js";
import { dimsOf } from "../tensors.js";
import { type Finding, finding } from "./finding.js";

const knownDomains = new Set([
  "ai.onnx.ml",
  "com.microsoft",
  "com.microsoft.nchwc",
  "ai.onnx.preview.training",
]);
/** Elements from which a tensor that nobody reads, or a shape, is large. */
const LARGE = 1024;
const ABSURD = 2 ** 40;

/** Runs all rules on the whole file. */
export function lintStorage(model: Model): Finding[] {
  const tensors = storedTensors(model);
  return [
    ...tensors.flatMap(lintTensor),
    ...lintUnused(model.graph),
    ...lintAliases(model.graph),
    ...lintDomains(model),
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

/** One stretch of an external file under two names: a change of one tensor changes the other. */
function lintAliases(graph: Graph): Finding[] {
  const seen = new Map<string, string>();
  return graph.initializers.flatMap(({ name = "", externalData }) => {
    if (externalData.length === 0) return [];
    const place = ["location", "offset", "length"]
      .map((wanted) => externalData.find(({ key }) => key === wanted)?.value ?? "0")
      .join(" ");
    const other = seen.get(place);
    seen.set(place, name);
    return other === undefined
      ? []
      : [
          finding(
            "aliased-weights",
            "info",
            name,
            `its values are the same stretch of the file as those of "${other}"`,
          ),
        ];
  });
}

function lintDomains({ graph, functions }: Model): Finding[] {
  const found: Finding[] = [];
  const own = new Set(functions.map(({ domain = "", name = "" }) => `${domain}::${name}`));
  const seen = new Set<string>();
  visitNodes(graph, ({ domain = "", opType }) => {
    const key = `${domain}::${opType}`;
    if (isStandard(domain) || knownDomains.has(domain) || own.has(key) || seen.has(key)) return;
    seen.add(key);
    found.push(
      finding(
        "custom-operator",
        "warn",
        opType,
        `"${key}" is no operator of ONNX or onnxruntime: what it does stands outside the file`,
      ),
    );
  });
  for (const { name = "", domain = "" } of functions) {
    const isHidden = isStandard(domain);
    found.push(
      finding(
        "local-function",
        isHidden ? "flag" : "info",
        name,
        isHidden ? "the file redefines a standard operator" : "an operator that the file defines itself",
      ),
    );
  }
  return found;
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

/** Checks a model before it reaches native code: every message names the node, tensor or attribute at fault. */
import { totalmem } from "node:os";
import { AssayError } from "../../errors.js";
import { sizeOf } from "../../tensor/index.js";
import { askedShapes } from "../asked-shapes.js";
import { isStandard, nearestNames, nodeLabel, opsetOf, sortNodes } from "../graph.js";
import { checkFunctions } from "../rewrite/inline.js";
import type { Attribute, Graph, Model, Node, TensorMessage } from "../schema.js";
import { dimsOf, elementType, rawLength } from "../tensors.js";
import { MAX_IR_VERSION, MAX_OPSET, runtimeDomains, standardOperators } from "./operators.js";
import { checkWindows } from "./windows.js";

/** Fields of an attribute by AttributeProto.AttributeType. */
const fieldOf: Readonly<Record<number, keyof Attribute>> = {
  1: "f",
  2: "i",
  3: "s",
  4: "t",
  5: "g",
  6: "floats",
  7: "ints",
  8: "strings",
  9: "tensors",
  10: "graphs",
  11: "sparseTensor",
  12: "sparseTensors",
  13: "tp",
  14: "typeProtos",
};

/** Operators of any number of inputs, none of which may be left out: Einsum's kernel follows the null. */
const variadic = new Set(["Concat", "Einsum", "Max", "Mean", "Min", "Sum"]);

/** Elements of one stored or generated tensor: 2^38 would be a terabyte of floats. */
const MAX_ELEMENTS = 2 ** 38;

/**
 * Checks that a model is whole and can be given to native code.
 *
 * Versions, operator names, single assignment, dangling names, cycles, attributes that say one type and hold
 * another, initializers whose data does not fit their dims, and attribute values that native kernels divide by.
 *
 * @throws AssayError INVALID_MODEL, UNKNOWN_OPERATOR, or TOO_LARGE for functions without end and for tensors that no
 *   machine like this one can hold.
 */
export function checkModel(model: Model): void {
  const irVersion = Number(model.irVersion ?? 0);
  if (!(irVersion >= 1 && irVersion <= MAX_IR_VERSION)) {
    throw invalid(`The model has format version ${irVersion}; versions 1 to ${MAX_IR_VERSION} can be read.`, {
      irVersion,
    });
  }
  const opset = opsetOf(model) ?? (irVersion < 3 ? 1 : undefined);
  const usesStandard = model.graph.nodes.some(({ domain }) => isStandard(domain));
  if (usesStandard && (opset === undefined || opset < 1 || opset > MAX_OPSET)) {
    throw invalid(`The model imports version ${opset} of the ONNX operators; 1 to ${MAX_OPSET} can be run.`, {
      opset,
    });
  }
  checkFunctions(model);
  checkMemory(model);
  const functions = new Set(model.functions.map(({ domain, name }) => `${domain ?? ""}::${name}`));
  checkGraph(model.graph, { functions, outer: new Set(), depth: 0 });
  checkWindows(model.graph);
  for (const body of model.functions) {
    const scope = new Set(body.inputs);
    checkNodes(body.nodes, { functions, outer: scope, depth: 1 }, scope, true);
  }
}

/** Native code takes what a graph asks for until the system kills the process. */
function checkMemory({ graph }: Model): void {
  // A container may have less than the machine; 0 or a number beyond all memory means that it has no bound.
  const memory = Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);
  for (const { node, dims, elements } of askedShapes(graph)) {
    if (elements * LEAST_BYTES <= SHARE * memory) continue;
    throw new AssayError(
      "TOO_LARGE",
      `The node ${nodeLabel(node)} (${node.opType}) asks for a tensor of [${dims.join(", ")}], ${elements.toPrecision(3)} elements: more than half of the memory of this machine, ${memory} bytes.`,
      { node: node.name, dims },
    );
  }
}

/** Share of the memory that one tensor may take: something has to read it, too. */
const SHARE = 0.5;
/** Of an element that is no flag. */
const LEAST_BYTES = 4;

interface Scope {
  readonly functions: ReadonlySet<string>;
  readonly outer: ReadonlySet<string>;
  readonly depth: number;
}

function checkGraph(graph: Graph, scope: Scope): void {
  const known = new Set(scope.outer);
  for (const { name } of graph.inputs) known.add(name);
  const stored = new Set<string>();
  for (const message of graph.initializers) {
    const name = message.name ?? "";
    if (name === "") throw invalid("The model has a stored tensor without a name.");
    if (stored.has(name)) throw invalid(`The model stores two tensors named "${name}".`, { name });
    stored.add(name);
    checkStored(message, `The stored tensor "${name}"`);
    known.add(name);
  }
  for (const sparse of graph.sparseInitializers) {
    if (!sparse.values || !sparse.indices)
      throw invalid("The model has a sparse tensor without values or indices.");
    checkStored(sparse.values, "The values of a sparse tensor");
    checkStored(sparse.indices, "The indices of a sparse tensor");
    checkDims(sparse.dims.map(Number), "A sparse tensor");
    known.add(sparse.values.name ?? "");
  }
  checkNodes(graph.nodes, scope, known, false);
  for (const { name } of graph.outputs) {
    if (!known.has(name)) throw invalid(`The model's output "${name}" is made by no node.`, { output: name });
  }
}

function checkNodes(nodes: readonly Node[], scope: Scope, known: Set<string>, inFunction: boolean): void {
  const made = new Set<string>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (made.has(output)) throw invalid(`Two nodes make the tensor "${output}".`, { tensor: output });
      made.add(output);
      known.add(output);
    }
  }
  for (const node of nodes) {
    checkOperator(node, scope.functions);
    if (variadic.has(node.opType) && isStandard(node.domain) && node.inputs.includes("")) {
      throw invalid(`The node ${nodeLabel(node)} (${node.opType}) leaves out one of its inputs.`, {
        node: node.name,
      });
    }
    for (const input of node.inputs) {
      if (input !== "" && !known.has(input)) {
        throw invalid(
          `The node ${nodeLabel(node)} (${node.opType}) reads the tensor "${input}", which nothing makes.`,
          { node: node.name, input },
        );
      }
    }
    const names = new Set<string>();
    for (const attribute of node.attributes) {
      if (names.has(attribute.name)) {
        throw invalid(
          `The node ${nodeLabel(node)} (${node.opType}) has the attribute "${attribute.name}" twice.`,
          {
            node: node.name,
            attribute: attribute.name,
          },
        );
      }
      names.add(attribute.name);
      checkAttribute(node, attribute, scope, known, inFunction);
    }
  }
  sortNodes(nodes);
}

function checkOperator(node: Node, functions: ReadonlySet<string>): void {
  const domain = isStandard(node.domain) ? "" : node.domain!;
  const known =
    functions.has(`${node.domain ?? ""}::${node.opType}`) ||
    (domain === "" ? standardOperators.has(node.opType) : runtimeDomains.has(domain));
  if (known) return;
  const nearest = domain === "" ? nearestNames(node.opType, [...standardOperators], 3) : [];
  const hint =
    domain === "" ? `Nearest: ${nearest.join(", ")}.` : `The domain "${domain}" is not known here.`;
  throw new AssayError(
    "UNKNOWN_OPERATOR",
    `The node ${nodeLabel(node)} uses the operator "${node.opType}", which does not exist. ${hint}`,
    { node: node.name, operator: node.opType, domain, nearest },
  );
}

function checkAttribute(
  node: Node,
  attribute: Attribute,
  scope: Scope,
  known: ReadonlySet<string>,
  inFunction: boolean,
): void {
  const where = `The attribute "${attribute.name}" of node ${nodeLabel(node)} (${node.opType})`;
  const details = { node: node.name, attribute: attribute.name };
  if (attribute.refAttrName && inFunction) return;
  const type = Number(attribute.type ?? 0);
  const field = fieldOf[type];
  if (field === undefined) throw invalid(`${where} has an unknown type ${type}.`, details);
  if (attribute[field] === undefined && type !== 1 && type !== 2 && type !== 3) {
    throw invalid(`${where} says it holds "${field}", but does not.`, details);
  }
  if (attribute.t) checkStored(attribute.t, where);
  for (const message of attribute.tensors) checkStored(message, where);
  for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
    checkGraph(graph, { ...scope, outer: known, depth: scope.depth + 1 });
  }
  checkRange(node, attribute, where, details);
}

/** Integer attributes that must be positive: kernels divide by them. */
const positive = new Set([
  "strides",
  "dilations",
  "kernel_shape",
  "group",
  "blocksize",
  "num_heads",
  "hidden_size",
]);

function checkRange(
  node: Node,
  attribute: Attribute,
  where: string,
  details: Readonly<Record<string, unknown>>,
): void {
  if (!positive.has(attribute.name) || !(isStandard(node.domain) || node.domain === "com.microsoft")) return;
  const values = attribute.i === undefined ? attribute.ints : [attribute.i];
  for (const value of values) {
    // Products of four such numbers must stay inside 64 bits.
    if (value < 1 || value > 2 ** 31)
      throw invalid(`${where} is ${values.join(", ")}, not from 1 to 2^31.`, details);
  }
}

function checkStored(message: TensorMessage, where: string): void {
  const element = elementType(message.dataType);
  if (element === undefined) throw invalid(`${where} has an unknown element type ${message.dataType ?? 0}.`);
  const dims = dimsOf(message);
  checkDims(dims, where);
  const size = sizeOf(dims);
  if (message.externalData.length > 0 || Number(message.dataLocation ?? 0) === 1) return;
  if (message.rawData !== undefined) {
    const expected = rawLength(message);
    if (message.rawData.length !== expected) {
      throw invalid(
        `${where} is ${element.name} [${dims.join(", ")}], ${expected} bytes, but holds ${message.rawData.length}.`,
      );
    }
    return;
  }
  const packed = Math.max(
    message.floatData?.length ?? 0,
    message.int32Data?.length ?? 0,
    message.int64Data?.length ?? 0,
    message.doubleData?.length ?? 0,
    message.uint64Data?.length ?? 0,
    message.stringData.length,
  );
  const perElement = { complex64: 2, complex128: 2 }[element.name] ?? 1;
  const halves = element.bits < 8 && element.bits > 0 ? 8 / element.bits : 1;
  const expected = Math.ceil((size * perElement) / halves);
  if (packed !== expected) {
    throw invalid(`${where} is ${element.name} [${dims.join(", ")}], ${size} elements, but holds ${packed}.`);
  }
}

function checkDims(dims: readonly number[], where: string): void {
  if (dims.length > 64 || dims.some((dim) => !(dim >= 0)) || !(sizeOf(dims) <= MAX_ELEMENTS)) {
    throw invalid(`${where} has impossible dims [${dims.join(", ")}].`, { dims });
  }
}

const invalid = (message: string, details: Readonly<Record<string, unknown>> = {}): AssayError =>
  new AssayError("INVALID_MODEL", message, details);

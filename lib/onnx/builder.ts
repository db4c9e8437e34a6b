/** Builds graphs node by node; what every rewrite, gradient and micro-graph of Assay is made with. */
import { AssayError } from "../errors.js";
import type { Tensor, TensorType } from "../tensor/index.js";
import { type AttributeValue, makeAttribute } from "./attributes.js";
import { fedInputs } from "./graph.js";
import { freshNames, renameNode } from "./rename.js";
import { inlineFunctions } from "./rewrite/inline.js";
import type { Graph, Model, Node, OperatorSet, TensorMessage, ValueInfo } from "./schema.js";
import { dataTypeOf, tensorMessage } from "./tensors.js";

/** Operator version in which Assay writes graphs; models are raised to it before they are rewritten. */
export const OPSET = 21;
const IR_VERSION = 10;

/** A graph under construction. Every method that makes a tensor returns its name. */
export interface GraphBuilder {
  /** Declares an input. Symbols in `dims` name free sizes. */
  input(name: string, type: TensorType, dims: readonly (number | string)[] | undefined): string;
  /** Stores a tensor under a name. */
  initializer(name: string, tensor: Tensor): string;
  /** Stores a tensor under a fresh name; equal small constants share one. */
  constant(tensor: Tensor): string;
  /** A float constant of the given type, a scalar unless `dims` are given. */
  number(value: number, type?: TensorType, dims?: readonly number[]): string;
  /** An int64 vector. */
  integers(...values: readonly number[]): string;
  /** Adds a node with one output. */
  op(opType: string, inputs: readonly string[], attributes?: Attributes, domain?: string): string;
  /** Adds a node with `count` outputs. */
  ops(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes?: Attributes,
    domain?: string,
  ): string[];
  /** Reserves a name for a tensor that comes later. */
  claim(name: string): void;
  /** Adds a node as it is. */
  node(node: Node): void;
  /** Adds a stored tensor as it is, under its own name. */
  stored(message: TensorMessage): void;
  /** A name that nothing has yet. */
  fresh(hint: string): string;
  /** Gives a tensor a further name, through Identity. */
  alias(name: string, of: string): void;
  /** Names a tensor and makes it an output. */
  output(name: string, of?: string): void;
  /**
   * Copies a model's graph in, its own functions inlined.
   *
   * @param feeds Tensor of this graph for each input of the model.
   * @param prefix Put before all its names, so that two models can live in one graph. Default "".
   * @returns The names of its outputs here.
   */
  include(model: Model, feeds: Readonly<Record<string, string>>, prefix?: string): Record<string, string>;
  /** The graph so far. */
  graph(name?: string): Graph;
  /** The graph so far as a model. */
  build(name?: string): Model;
}

/** Attributes by name; `undefined` ones are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Starts an empty graph, or one that continues `from`. */
export function graphBuilder(from?: Graph, opsets: readonly OperatorSet[] = []): GraphBuilder {
  const nodes: Node[] = [...(from?.nodes ?? [])];
  const initializers: TensorMessage[] = [...(from?.initializers ?? [])];
  const inputs: ValueInfo[] = [...(from?.inputs ?? [])];
  const outputs: ValueInfo[] = [...(from?.outputs ?? [])];
  const names = freshNames(from);
  const shared = new Map<string, string>();
  const domains = new Map<string, number>(
    opsets.map(({ domain, version }) => [domain ?? "", Number(version ?? 1)]),
  );
  if (!domains.has("")) domains.set("", OPSET);

  const self: GraphBuilder = {
    input(name, type, dims) {
      names.claim(name);
      inputs.push(valueInfo(name, type, dims));
      return name;
    },
    initializer(name, tensor) {
      names.claim(name);
      initializers.push(tensorMessage(name, tensor));
      return name;
    },
    constant(tensor) {
      const small = tensor.data.length <= 16;
      const key = small
        ? `${tensor.type}[${tensor.dims.join()}]${Array.from(tensor.data as ArrayLike<unknown>, bits).join()}`
        : "";
      const known = small ? shared.get(key) : undefined;
      if (known !== undefined) return known;
      const name = names.fresh("constant");
      initializers.push(tensorMessage(name, tensor));
      if (small) shared.set(key, name);
      return name;
    },
    number(value, type = "float32", dims = []) {
      return self.constant(filled(type, dims, value));
    },
    integers(...values) {
      return self.constant({
        type: "int64",
        dims: [values.length],
        data: BigInt64Array.from(values, BigInt),
      });
    },
    op(opType, given, attributes, domain) {
      return self.ops(opType, given, 1, attributes, domain)[0]!;
    },
    ops(opType, given, count, attributes = {}, domain = "") {
      if (domain !== "" && !domains.has(domain)) domains.set(domain, 1);
      const made = Array.from({ length: count }, () => names.fresh(opType));
      nodes.push(makeNode(opType, given, made, attributes, domain));
      return made;
    },
    claim: (name) => names.claim(name),
    node(node) {
      for (const output of node.outputs) if (output !== "") names.claim(output);
      nodes.push(node);
    },
    stored(message) {
      names.claim(message.name ?? "");
      initializers.push(message);
    },
    fresh: (hint) => names.fresh(hint),
    // Without a name of its own: onnxruntime refuses two nodes of one name.
    alias: (name, of) => {
      nodes.push({ ...makeNode("Identity", [of], [name]), name: "" });
    },
    output(name, of = name) {
      if (of !== name) {
        names.claim(name);
        self.alias(name, of);
      }
      outputs.push({ name, metadata: [] });
    },
    include(source, feeds, prefix = "") {
      const model = inlineFunctions(source);
      for (const { domain = "", version = 1 } of model.opsets) {
        if (!domains.has(domain)) domains.set(domain, Number(version));
        else if (domains.get(domain) !== Number(version)) {
          throw new AssayError(
            "INVALID_ARGUMENT",
            `include: the model uses version ${version} of "${domain || "ai.onnx"}", this graph ${domains.get(domain)}. Raise it first (upgradeModel).`,
          );
        }
      }
      const map = new Map<string, string>();
      for (const { name } of fedInputs(model.graph)) {
        const feed = feeds[name];
        if (feed === undefined) {
          throw new AssayError("UNKNOWN_TENSOR", `include: nothing is given for the input "${name}".`, {
            name,
          });
        }
        map.set(name, feed);
      }
      const rename = (name: string): string => {
        if (name === "") return "";
        const known = map.get(name);
        if (known !== undefined) return known;
        const wanted = prefix + name;
        const made = names.has(wanted) ? names.fresh(wanted) : wanted;
        names.claim(made);
        map.set(name, made);
        return made;
      };
      for (const message of model.graph.initializers) {
        initializers.push({ ...message, name: rename(message.name ?? "") });
      }
      // Node names must differ too, or onnxruntime refuses the graph: of those without one, the first takes the prefix.
      const nodeNames = new Set(nodes.map(({ name }) => name));
      for (const node of model.graph.nodes) {
        const copy = renameNode(node, rename);
        const wanted = prefix + (node.name ?? "");
        const name = nodeNames.has(wanted) ? (copy.outputs.find((output) => output !== "") ?? "") : wanted;
        if (name !== "") nodeNames.add(name);
        nodes.push({ ...copy, name });
      }
      return Object.fromEntries(model.graph.outputs.map(({ name }) => [name, rename(name)]));
    },
    graph: (name = "assay") => ({
      nodes: [...nodes],
      name,
      initializers: [...initializers],
      inputs: [...inputs],
      outputs: [...outputs],
      valueInfo: [...(from?.valueInfo ?? [])],
      sparseInitializers: [...(from?.sparseInitializers ?? [])],
      metadata: [...(from?.metadata ?? [])],
    }),
    build: (name) => ({
      irVersion: IR_VERSION,
      producerName: "assay",
      graph: self.graph(name),
      opsets: [...domains].map(([domain, version]) => ({ domain, version })),
      metadata: [],
      functions: [],
    }),
  };
  return self;
}

/** Numbers as text that keeps -0 apart from 0. */
const bits = (value: unknown): string => (Object.is(value, -0) ? "-0" : String(value));

/** Makes a node. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
  domain = "",
): Node {
  return {
    opType,
    inputs,
    outputs,
    name: outputs[0] ?? "",
    domain,
    metadata: [],
    attributes: Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => makeAttribute(name, value!)),
  };
}

/** The typed name of an input or output; without `dims` its rank is free. */
export function valueInfo(
  name: string,
  type: TensorType,
  dims: readonly (number | string)[] | undefined,
): ValueInfo {
  const shape = dims && {
    dims: dims.map((dim) => (typeof dim === "number" ? { value: dim } : dim === "" ? {} : { symbol: dim })),
  };
  return {
    name,
    metadata: [],
    type: { tensorType: { elemType: dataTypeOf(type), ...(shape ? { shape } : {}) } },
  };
}

function filled(type: TensorType, dims: readonly number[], value: number): Tensor {
  const length = dims.reduce((product, dim) => product * dim, 1);
  switch (type) {
    case "float32":
      return { type, dims, data: new Float32Array(length).fill(value) };
    case "float64":
      return { type, dims, data: new Float64Array(length).fill(value) };
    case "int64":
      return { type, dims, data: new BigInt64Array(length).fill(BigInt(value)) };
    case "int32":
      return { type, dims, data: new Int32Array(length).fill(value) };
    case "bool":
      return { type, dims, data: new Uint8Array(length).fill(value) };
    default:
      throw new AssayError("UNSUPPORTED_TYPE", `A constant of type ${type} cannot be made here.`, { type });
  }
}

/** Attributes of a node: reading them with their defaults, and making them. */
import { AssayError } from "../errors.js";
import type { Tensor } from "../tensor/index.js";
import { bytesOf } from "./file/source.js";
import type { Attribute, Graph, Integer, Node, TensorMessage } from "./schema.js";
import { tensorMessage } from "./tensors.js";

/** AttributeProto.AttributeType of the kinds that Assay writes. */
const types = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

/** A value from which an attribute is made: integers are ints, others floats; `{ float: 1 }` says it outright. */
export type AttributeValue =
  | number
  | bigint
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Tensor }
  | { readonly message: TensorMessage }
  | { readonly graph: Graph };

/** The attribute of that name, if the node has it. */
export const attribute = (node: Node, name: string): Attribute | undefined =>
  node.attributes.find((candidate) => candidate.name === name);

/** An integer attribute, or its default. */
export function intAttribute(node: Node, name: string, otherwise: number): number {
  const value = attribute(node, name)?.i;
  return value === undefined ? otherwise : Number(value);
}

/** A list of integers, or undefined when the node does not have it. */
export function intsAttribute(node: Node, name: string): number[] | undefined {
  const found = attribute(node, name);
  return found?.ints.map(Number);
}

/** A float attribute, or its default. */
export function floatAttribute(node: Node, name: string, otherwise: number): number {
  return attribute(node, name)?.f ?? otherwise;
}

/** A text attribute, or its default. */
export function textAttribute(node: Node, name: string, otherwise: string): string {
  const value = attribute(node, name)?.s;
  return value === undefined ? otherwise : new TextDecoder().decode(bytesOf(value));
}

/** Makes an attribute. */
export function makeAttribute(name: string, value: AttributeValue): Attribute {
  const base = {
    name,
    floats: [] as number[],
    ints: [] as Integer[],
    strings: [],
    tensors: [],
    graphs: [],
    typeProtos: [],
    sparseTensors: [],
  };
  if (typeof value === "bigint") return { ...base, type: types.int, i: value };
  if (typeof value === "number") {
    if (!Number.isInteger(value)) {
      throw new AssayError("INVALID_ARGUMENT", `attribute ${name}: write { float: ${value} } for a float.`);
    }
    return { ...base, type: types.int, i: value };
  }
  if (typeof value === "string") return { ...base, type: types.string, s: Buffer.from(value, "utf8") };
  if (Array.isArray(value)) {
    if (typeof value[0] === "string") {
      return {
        ...base,
        type: types.strings,
        strings: value.map((item) => Buffer.from(String(item), "utf8")),
      };
    }
    return { ...base, type: types.ints, ints: value as number[] };
  }
  const record = value as Exclude<AttributeValue, number | bigint | string | readonly unknown[]>;
  if ("float" in record) return { ...base, type: types.float, f: record.float };
  if ("floats" in record) return { ...base, type: types.floats, floats: record.floats };
  if ("tensor" in record) return { ...base, type: types.tensor, t: tensorMessage("", record.tensor) };
  if ("message" in record) return { ...base, type: types.tensor, t: record.message };
  return { ...base, type: types.graph, g: (record as { graph: Graph }).graph };
}

/** Graphs inside a node: branches of If, bodies of Loop and Scan. */
export function subgraphs(node: Node): Graph[] {
  return node.attributes.flatMap((item) => (item.g ? [item.g, ...item.graphs] : item.graphs));
}

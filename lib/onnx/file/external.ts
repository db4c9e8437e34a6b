/** Weights outside the model's message: found inside the model's folder only, and never copied. */
import { realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { AssayError } from "../../errors.js";
import type { Attribute, Graph, Model, Node, TensorMessage } from "../schema.js";
import { rawLength, spanOf } from "../tensors.js";

/** Tensors from this size on are handed to onnxruntime as external data when they still lie on disk. */
const KEEP_ON_DISK_BYTES = 4096;

/**
 * Finds the external weights of a model.
 *
 * @param file The model's own file.
 * @returns The model with each external tensor's data as a stretch of a file.
 * @throws AssayError OUTSIDE_FOLDER if a location leaves the model's folder, also through a link;
 *   FILE_NOT_FOUND if it is missing; INVALID_MODEL if the stretch does not fit the file or the tensor.
 */
export function resolveExternal(model: Model, file: string): Model {
  const folder = dirname(resolve(file));
  return mapTensors(model, (message) =>
    Number(message.dataLocation ?? 0) === 1 ? locate(message, folder) : message,
  );
}

/** Each external tensor whose data cannot be had from the model's folder, and why. Nothing is read but names and sizes. */
export function externalProblems(model: Model, file: string): { tensor: string; problem: AssayError }[] {
  const folder = dirname(resolve(file));
  const problems: { tensor: string; problem: AssayError }[] = [];
  mapTensors(model, (message) => {
    if (Number(message.dataLocation ?? 0) !== 1) return message;
    try {
      locate(message, folder);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      problems.push({ tensor: message.name ?? "", problem: error });
    }
    return message;
  });
  return problems;
}

/** Refuses external weights: the model came as bytes, so that there is no folder to look in. */
export function refuseExternal(model: Model): void {
  mapTensors(model, (message) => {
    if (Number(message.dataLocation ?? 0) !== 1) return message;
    throw new AssayError(
      "INVALID_MODEL",
      `The weights of "${message.name ?? ""}" lie in another file. Load the model by its path.`,
      { name: message.name },
    );
  });
}

function locate(message: TensorMessage, folder: string): TensorMessage {
  const entries = new Map(message.externalData.map(({ key, value }) => [key, value ?? ""]));
  const location = entries.get("location") ?? "";
  const name = message.name ?? "";
  const path = resolve(folder, location);
  const details = { tensor: name, location };
  if (location === "" || isAbsolute(location) || location.includes("\\") || !isInside(folder, path)) {
    throw new AssayError(
      "OUTSIDE_FOLDER",
      `The weights of "${name}" are said to lie at "${location}", outside the model's folder.`,
      details,
    );
  }
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `The weights of "${name}" should lie in "${location}" beside the model, but there is no such file.`,
      details,
      { cause },
    );
  }
  if (!isInside(realpathSync(folder), real) || !statSync(real).isFile()) {
    throw new AssayError(
      "OUTSIDE_FOLDER",
      `The weights of "${name}" at "${location}" lead outside the model's folder, or to no file.`,
      details,
    );
  }
  const offset = Number(entries.get("offset") ?? 0);
  const needed = rawLength(message);
  const length = Number(entries.get("length") ?? needed);
  const size = statSync(real).size;
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== needed || offset + length > size) {
    throw new AssayError(
      "INVALID_MODEL",
      `The weights of "${name}" take ${needed} bytes, but bytes ${offset} to ${offset + length} of "${location}" (${size} bytes) are named.`,
      details,
    );
  }
  const { dataLocation: _, ...rest } = message;
  return { ...rest, externalData: [], rawData: { file: real, offset, length } };
}

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/**
 * Turns weights that still lie on disk into external data that points to where they are.
 *
 * @returns The model, and the folder that onnxruntime has to be told; no folder when everything is in memory.
 */
export function externalize(model: Model): { model: Model; folder?: string } {
  let folder: string | undefined;
  mapTensors(model, (message) => {
    const span = spanOf(message);
    if (span) folder = folder === undefined ? dirname(span.file) : commonFolder(folder, span.file);
    return message;
  });
  if (folder === undefined) return { model };
  const base = folder;
  const outside = mapTensors(model, (message) => {
    const span = spanOf(message);
    if (span === undefined || span.length < KEEP_ON_DISK_BYTES) return message;
    const { rawData: _, ...rest } = message;
    return {
      ...rest,
      dataLocation: 1,
      externalData: [
        { key: "location", value: relative(base, span.file).split(sep).join("/") },
        { key: "offset", value: String(span.offset) },
        { key: "length", value: String(span.length) },
      ],
    };
  });
  return { model: outside, folder: base };
}

function commonFolder(folder: string, file: string): string {
  let common = folder;
  while (!isInside(common, file)) common = dirname(common);
  return common;
}

/** The model with every stored tensor replaced by what `map` gives; untouched messages stay the same objects. */
function mapTensors(model: Model, map: (message: TensorMessage) => TensorMessage): Model {
  const graph = mapGraph(model.graph, map);
  const functions = mapList(model.functions, (body) => {
    const nodes = mapList(body.nodes, (node) => mapNode(node, map));
    return nodes === body.nodes ? body : { ...body, nodes };
  });
  return graph === model.graph && functions === model.functions ? model : { ...model, graph, functions };
}

function mapGraph(graph: Graph, map: (message: TensorMessage) => TensorMessage): Graph {
  const initializers = mapList(graph.initializers, map);
  const nodes = mapList(graph.nodes, (node) => mapNode(node, map));
  const sparseInitializers = mapList(graph.sparseInitializers, (sparse) => {
    const values = sparse.values && map(sparse.values);
    const indices = sparse.indices && map(sparse.indices);
    if (values === sparse.values && indices === sparse.indices) return sparse;
    return { ...sparse, ...(values ? { values } : {}), ...(indices ? { indices } : {}) };
  });
  const same =
    initializers === graph.initializers &&
    nodes === graph.nodes &&
    sparseInitializers === graph.sparseInitializers;
  return same ? graph : { ...graph, initializers, nodes, sparseInitializers };
}

function mapNode(node: Node, map: (message: TensorMessage) => TensorMessage): Node {
  const attributes = mapList(node.attributes, (attribute): Attribute => {
    const t = attribute.t && map(attribute.t);
    const g = attribute.g && mapGraph(attribute.g, map);
    const tensors = mapList(attribute.tensors, map);
    const graphs = mapList(attribute.graphs, (graph) => mapGraph(graph, map));
    if (
      t === attribute.t &&
      g === attribute.g &&
      tensors === attribute.tensors &&
      graphs === attribute.graphs
    ) {
      return attribute;
    }
    return { ...attribute, ...(t ? { t } : {}), ...(g ? { g } : {}), tensors, graphs };
  });
  return attributes === node.attributes ? node : { ...node, attributes };
}

function mapList<T>(list: readonly T[], map: (item: T) => T): readonly T[] {
  let changed = false;
  const mapped = list.map((item) => {
    const result = map(item);
    changed ||= result !== item;
    return result;
  });
  return changed ? mapped : list;
}

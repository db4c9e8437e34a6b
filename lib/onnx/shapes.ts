/** Types and dims of inner tensors, as onnxruntime infers them: no JavaScript shape inference comes close. */

import type { ValueDescription } from "../runtime/index.js";
import { arrayOfType, sizeOf, type Tensor } from "../tensor/index.js";
import { graphBuilder, valueInfo } from "./builder.js";
import { modelSession } from "./file/open.js";
import { fedInputs, untyped } from "./graph.js";
import type { Model } from "./schema.js";
import { dimsOf, elementType } from "./tensors.js";

/** What is known of a tensor before anything runs. */
export interface InnerValue extends ValueDescription {
  /** False when not even the number of dims is known. */
  readonly ranked: boolean;
}

/** Weights from this size on cannot matter for shapes, and need not be loaded to infer them. */
const WEIGHT_ELEMENTS = 4096;

/**
 * Asks onnxruntime for the type and dims of all inputs, stored tensors and node outputs of the main graph.
 *
 * Nothing runs, and no large weight is loaded: they are declared as inputs. Outputs that are not tensors have
 * type null.
 */
export function inferShapes(model: Model): Map<string, InnerValue> {
  const { graph } = model;
  const values = new Map<string, InnerValue>();
  const declaredAsInput = new Set<string>();
  for (const message of graph.initializers) {
    const name = message.name ?? "";
    const dims = dimsOf(message);
    const type = elementType(message.dataType)?.type ?? null;
    values.set(name, { name, type, dims, ranked: true });
    if (type?.startsWith("float") && sizeOf(dims) >= WEIGHT_ELEMENTS) declaredAsInput.add(name);
  }
  const names = graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ""));
  const inputs = [
    ...fedInputs(graph),
    ...[...declaredAsInput].map((name) => {
      const { type, dims } = values.get(name)!;
      return valueInfo(name, type!, dims);
    }),
  ];
  const probe = (outputs: readonly string[], from: Model): readonly ValueDescription[] => {
    using session = modelSession(
      {
        ...from,
        graph: {
          ...from.graph,
          inputs,
          initializers: from.graph.initializers.filter(({ name }) => !declaredAsInput.has(name ?? "")),
          outputs: outputs.map(untyped),
        },
      },
      { optimization: "disabled", threads: 1 },
    );
    for (const input of session.inputs) {
      if (!values.has(input.name)) values.set(input.name, { ...input, ranked: true });
    }
    return session.outputs;
  };
  const scalars: string[] = [];
  if (names.length > 0) {
    for (const value of probe(names, model)) {
      if (value.type !== null && value.dims.length === 0) scalars.push(value.name);
      values.set(value.name, { ...value, ranked: value.type !== null });
    }
  }
  // "No dims" may mean a scalar or an unknown rank. The shape of a shape tells which.
  if (scalars.length > 0) {
    const builder = graphBuilder(graph, model.opsets);
    const shapes = new Map(scalars.map((name) => [builder.op("Shape", [name]), name]));
    const asked = probe([...shapes.keys()], { ...model, graph: builder.graph() });
    for (const { name, dims } of asked) {
      const of = shapes.get(name)!;
      values.set(of, { ...values.get(of)!, ranked: dims[0] === 0 });
    }
  }
  return values;
}

/**
 * The same for a model whose inputs have fixed sizes; what cannot be inferred, since it is computed, is seen in a run on
 * zeros.
 */
export function observeShapes(model: Model): Map<string, InnerValue> {
  const values = inferShapes(model);
  const feeds = Object.fromEntries(fedInputs(model.graph).flatMap(({ name }) => zeros(values.get(name))));
  const unknown = model.graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => isTensorOfUnknownSize(values.get(name)));
  if (unknown.length === 0 || Object.keys(feeds).length < fedInputs(model.graph).length) return values;
  const builder = graphBuilder({ ...model.graph, outputs: [] }, model.opsets);
  const asked = new Map(unknown.map((name) => [builder.op("Shape", [name]), name]));
  for (const shape of asked.keys()) builder.output(shape);
  using session = modelSession(
    { ...model, graph: builder.graph() },
    { optimization: "disabled", threads: 1 },
  );
  for (const [shape, { data }] of Object.entries(session.runSync(feeds))) {
    const name = asked.get(shape)!;
    values.set(name, { ...values.get(name)!, dims: Array.from(data as BigInt64Array, Number), ranked: true });
  }
  return values;
}

const isTensorOfUnknownSize = (value: InnerValue | undefined): boolean =>
  value !== undefined &&
  value.type !== null &&
  (!value.ranked || value.dims.some((dim) => typeof dim !== "number"));

function zeros(value: InnerValue | undefined): [string, Tensor][] {
  const type = value?.type;
  if (!value || !type || type === "string" || value.dims.some((dim) => typeof dim !== "number")) return [];
  const dims = value.dims as number[];
  return [[value.name, { type, dims, data: new arrayOfType[type](sizeOf(dims)) } as Tensor]];
}

/** Models of texts with several inputs, or with ids of another type, as models of one input of int64 token ids. */
import { AssayError } from "../errors.js";
import type { TensorType } from "../tensor/index.js";
import { graphBuilder, makeNode, valueInfo } from "./builder.js";
import { declared, fedInputs, opsetOf } from "./graph.js";
import type { Model, Node } from "./schema.js";
import { dataTypeOf } from "./tensors.js";

/** An input as the file declares it. */
type Declared = ReturnType<typeof declared>;

const INTEGERS: readonly (TensorType | null)[] = ["int64", "int32"];

/**
 * The model with one input of int64 ids `[batch, length]`.
 *
 * What exporters let a caller feed beside the ids is computed from them: a mask of the tokens that are not padding
 * ("attention_mask"), segments, all 0 ("token_type_ids"), and the number of tokens of each text ("lengths"). Ids that
 * the model takes as int32, or as float32 that it turns into integers itself, are cast.
 *
 * @returns undefined if the model is none of texts: no input is of ids.
 * @throws AssayError INVALID_MODEL naming an input that nothing is known of.
 */
export function tokenInput(model: Model, padding: number): Model | undefined {
  const inputs = fedInputs(model.graph).map(declared);
  const ids = idsOf(model, inputs);
  if (ids === undefined) return undefined;
  if (inputs.length === 1 && ids.type === "int64") return model;
  const builder = graphBuilder({ ...model.graph, nodes: [], outputs: [] }, model.opsets);
  for (const { outputs } of model.graph.nodes) for (const name of outputs) if (name) builder.claim(name);
  const name = ids.type === "int64" ? ids.name : builder.fresh(`${ids.name}_int64`);
  const made: Node[] = [];
  if (name !== ids.name) made.push(makeNode("Cast", [name], [ids.name], { to: dataTypeOf(ids.type!) }));
  const isWord = (): string =>
    builder.op("Not", [
      builder.op("Equal", [
        name,
        builder.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(padding)) }),
      ]),
    ]);
  for (const input of inputs) {
    if (input === ids) continue;
    const to = dataTypeOf(input.type ?? "int64");
    const kind = kindOf(input, ids);
    if (kind === undefined) throw unknownInput(inputs, input);
    if (kind === "segments") {
      const zeros = builder.op("Sub", [name, name]);
      made.push(makeNode("Cast", [zeros], [input.name], { to }));
    } else if (kind === "mask") made.push(makeNode("Cast", [isWord()], [input.name], { to }));
    else {
      const counted = builder.op("Cast", [isWord()], { to: dataTypeOf("float32") });
      const sum =
        (opsetOf(model) ?? 13) < 13
          ? builder.op("ReduceSum", [counted], { axes: [1], keepdims: 0 })
          : builder.op("ReduceSum", [counted, builder.integers(1)], { keepdims: 0 });
      made.push(makeNode("Cast", [sum], [input.name], { to }));
    }
  }
  const prepared = builder.graph();
  const dropped = new Set(inputs.map((input) => input.name));
  return {
    ...model,
    graph: {
      ...model.graph,
      initializers: prepared.initializers,
      inputs: [
        valueInfo(name, "int64", ids.dims.length === 2 ? ids.dims : ["batch", "length"]),
        ...model.graph.inputs.filter((info) => !dropped.has(info.name)),
      ],
      nodes: [...prepared.nodes, ...made, ...model.graph.nodes],
    },
  };
}

/** The input of ids: integers or floats that are made integers, `[batch, length]`. */
function idsOf(model: Model, inputs: readonly Declared[]): Declared | undefined {
  const isFlat = ({ dims }: Declared): boolean => dims.length === 2 || dims.length === 0;
  const isIds = (input: Declared): boolean =>
    INTEGERS.includes(input.type) || (input.type === "float32" && isCastAtOnce(model, input.name));
  const all = inputs.filter((input) => isFlat(input) && isIds(input) && extraKind(input) === undefined);
  return all.length === 1 ? all[0] : all.find(({ name }) => /ids?\b|token|word|text/i.test(name));
}

/** Whether all that reads an input turns it into integers first, as Keras does with texts. */
function isCastAtOnce({ graph }: Model, name: string): boolean {
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(name));
  return (
    readers.length > 0 &&
    readers.every(
      ({ opType, attributes }) =>
        opType === "Cast" && [6, 7].includes(Number(attributes.find((one) => one.name === "to")?.i)),
    )
  );
}

type Extra = "mask" | "segments" | "lengths";

/** What an input beside the ids is, by its name. */
function extraKind({ name }: Declared): Extra | undefined {
  if (/mask/i.test(name)) return "mask";
  if (/type|segment/i.test(name)) return "segments";
  if (/len/i.test(name)) return "lengths";
  return undefined;
}

function kindOf(input: Declared, ids: Declared): Extra | undefined {
  const kind = extraKind(input);
  if (kind === "lengths") return input.dims.length === 1 ? kind : undefined;
  return input.dims.length === ids.dims.length ? kind : undefined;
}

function unknownInput(inputs: readonly Declared[], { name, type, dims }: Declared): AssayError {
  return new AssayError(
    "INVALID_MODEL",
    `The model takes ${inputs.map((one) => one.name).join(", ")}; beside token ids a mask, segments or lengths can be filled in, but "${name}" (${type} [${dims.join(", ")}]) is none of these. Export the model with token ids as its only input.`,
    { name },
  );
}

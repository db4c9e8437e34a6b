/** Nodes that compute what a model of texts takes beside its token ids. */
import type { TensorType } from "../../tensor/index.js";
import { type GraphBuilder, makeNode, valueInfo } from "../builder.js";
import type { declared } from "../graph.js";
import type { ValueInfo } from "../schema.js";
import { dataTypeOf } from "../tensors.js";
import type { PastValue } from "./decoder-past.js";

/** An input beside the ids, and what goes into it. */
export type Fed =
  /** 1 for words, 0 for padding; number of the word in its text, from 0; zeros; words of each text. */
  | {
      readonly kind: "mask" | "places" | "segments" | "lengths";
      readonly name: string;
      readonly type: TensorType;
    }
  /** Whether there is a prefix; 0: the scores of all tokens are wanted. */
  | {
      readonly kind: "branch" | "kept";
      readonly name: string;
      readonly type: TensorType;
      readonly dims: readonly number[];
    }
  /** Keys or values of the tokens before. */
  | { readonly kind: "past"; readonly name: string; readonly type: TensorType; readonly past: PastValue };

/** What now has to be fed. */
export interface FedInstead {
  /** Name of the int64 ids. */
  readonly ids: string;
  /** Inputs beside them: none without a prefix. */
  readonly inputs: readonly ValueInfo[];
  readonly prefix: Prefix | undefined;
  readonly past: readonly (PastValue & { readonly feed: string })[];
}

/** Inputs that say what comes before each text: ids `[prefixes, before]`, and which of them, `[batch]`. */
export interface Prefix {
  readonly prefixes: string;
  readonly rows: string;
}

const INT64 = dataTypeOf("int64");
const END = 2 ** 31 - 1;

/**
 * Writes nodes that make all other inputs of a model from its ids, under the inputs' names.
 *
 * @param options.padding Token that is no word; null: there is none.
 * @param options.isPrefixed Takes prefixes, their keys and values, and which prefix each row follows, as inputs;
 *   otherwise there is no token before.
 */
export function feedBeside(
  builder: GraphBuilder,
  ids: ReturnType<typeof declared>,
  beside: readonly Fed[],
  options: { readonly padding: number | null; readonly isPrefixed: boolean; readonly opset: number },
): FedInstead {
  const inputs: ValueInfo[] = [];
  const input = (hint: string, type: TensorType, dims: readonly (string | number)[]): string => {
    const made = builder.fresh(hint);
    inputs.push(valueInfo(made, type, dims));
    return made;
  };
  const cast = (from: string, to: TensorType, output: string): void =>
    builder.node(makeNode("Cast", [from], [output], { to: dataTypeOf(to) }));
  const name = ids.type === "int64" ? ids.name : builder.fresh(`${ids.name}_int64`);
  if (name !== ids.name) cast(name, ids.type!, ids.name);
  const prefix = options.isPrefixed
    ? {
        prefixes: input("prefixes", "int64", ["prefixes", "before"]),
        rows: input("rows", "int64", ["batch"]),
      }
    : undefined;
  const text = textNodes(builder, name, options.padding, prefix);
  const past: (PastValue & { feed: string })[] = [];
  for (const fed of beside) {
    switch (fed.kind) {
      case "mask":
        cast(text.isWord(), fed.type, fed.name);
        break;
      case "places":
        cast(text.places(), fed.type, fed.name);
        break;
      case "segments":
        cast(builder.op("Sub", [name, name]), fed.type, fed.name);
        break;
      case "lengths":
        cast(text.words(options.opset), fed.type, fed.name);
        break;
      case "branch":
        builder.alias(fed.name, builder.number(prefix ? 1 : 0, fed.type, fed.dims));
        break;
      case "kept":
        builder.alias(fed.name, builder.number(0, fed.type, fed.dims));
        break;
      case "past": {
        const { dims, batch, tokens } = fed.past;
        if (prefix === undefined) {
          const sizes = dims.map((dim) => builder.integers(dim));
          const empty = sizes.with(batch, text.count()).with(tokens, builder.integers(0));
          cast(builder.op("ConstantOfShape", [builder.op("Concat", empty, { axis: 0 })]), fed.type, fed.name);
          past.push({ ...fed.past, feed: fed.name });
        } else {
          const free = [...dims].map((dim, i) => (i === batch ? "prefixes" : i === tokens ? "before" : dim));
          const feed = input(`prefix ${fed.name}`, fed.type, free);
          builder.node(makeNode("Gather", [feed, prefix.rows], [fed.name], { axis: batch }));
          past.push({ ...fed.past, feed });
        }
      }
    }
  }
  return { ids: name, inputs, prefix, past };
}

/** What can be told of texts, each as nodes that are written when it is first asked for. */
function textNodes(
  builder: GraphBuilder,
  ids: string,
  padding: number | null,
  prefix: Prefix | undefined,
): Record<"count" | "isWord" | "places", () => string> & { words(opset: number): string } {
  const { op, integers } = builder;
  const scalar = (value: number): string => builder.number(value, "int64");
  /** Ids of prefix and text. */
  const whole = once(() =>
    prefix === undefined
      ? ids
      : op("Concat", [op("Gather", [prefix.prefixes, prefix.rows]), ids], { axis: 1 }),
  );
  const isWord = once(() =>
    padding === null ? op("Equal", [whole(), whole()]) : op("Not", [op("Equal", [whole(), scalar(padding)])]),
  );
  return {
    isWord,
    count: once(() => op("Slice", [op("Shape", [ids]), integers(0), integers(1)])),
    // Words are numbered from 0; padding has the number of the word before, or 0.
    places() {
      const upTo = op("CumSum", [op("Cast", [isWord()], { to: INT64 }), scalar(1)]);
      const begun = op("Cast", [op("Greater", [upTo, scalar(0)])], { to: INT64 });
      const all = op("Sub", [upTo, begun]);
      if (prefix === undefined) return all;
      const before = op("Slice", [op("Shape", [prefix.prefixes]), integers(1), integers(2)]);
      return op("Slice", [all, before, integers(END), integers(1)]);
    },
    words(opset) {
      const counted = op("Cast", [isWord()], { to: dataTypeOf("float32") });
      return opset < 13
        ? op("ReduceSum", [counted], { axes: [1], keepdims: 0 })
        : op("ReduceSum", [counted, integers(1)], { keepdims: 0 });
    },
  };
}

/** Makes a value when it is first needed. */
function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Keys and values of earlier tokens, as exporters of decoders declare them. */
import type { TensorType } from "../../tensor/index.js";
import { declared } from "../graph.js";
import type { Model, ValueInfo } from "../schema.js";

/** Keys or values of one layer. */
export interface PastValue {
  /** Input that takes them, such as `past_key_values.0.key`. */
  readonly name: string;
  readonly type: TensorType;
  /** Sizes; those of `batch` and `tokens` count for nothing. */
  readonly dims: readonly number[];
  /** Axis of the sequences. */
  readonly batch: number;
  /** Axis of the tokens before. */
  readonly tokens: number;
  /** Output that gives them, those of the latest tokens behind the others; undefined if there is none. */
  readonly present: string | undefined;
}

/** Whether an input's name says that it takes keys, values or states of earlier tokens. */
export const isPast = ({ name, type, dims }: ReturnType<typeof declared>): boolean =>
  /past/i.test(name) && (type?.startsWith("float") ?? false) && dims.length >= 3;

/**
 * How the keys or values of an input lie, read off its declared dims, or off those of its output.
 *
 * Optimum and transformers.js write `[batch, heads, past, width]`, older models `[2, batch, heads, past, width]` or
 * `[batch, past, width]`: of the free dims the first is that of the sequences, the second that of the tokens.
 *
 * @returns undefined if other dims are free as well, or none is.
 */
export function pastValue(model: Model, info: ValueInfo): PastValue | undefined {
  const input = declared(info);
  const present = presentOf(model, input.name);
  const made = present === undefined ? [] : declared(present).dims;
  const fits = made.length === input.dims.length;
  const dims = input.dims.map((dim, i) =>
    typeof dim === "string" && fits && typeof made[i] === "number" ? made[i] : dim,
  );
  const free = [...dims.keys()].filter((axis) => typeof dims[axis] === "string");
  // A product such as "batch_size x num_heads" hides a number that nothing tells.
  const isProduct = free.length > 0 && /\*|\bx\b|heads/i.test(String(dims[free[0]!]));
  // Of a model of fixed batch size only the tokens are free.
  const [batch, tokens] = free.length === 1 && free[0]! > 0 ? [0, free[0]!] : free;
  if (batch === undefined || tokens === undefined || free.length > 2 || isProduct) return undefined;
  return {
    name: input.name,
    type: input.type!,
    dims: dims.map((dim) => (typeof dim === "number" ? dim : 0)),
    batch,
    tokens,
    present: present?.name,
  };
}

/** The output that gives what an input takes: `present.0.key` of `past_key_values.0.key`, `present_0` of `past_0`. */
function presentOf(model: Model, name: string): ValueInfo | undefined {
  const named = (by: string): ValueInfo | undefined => {
    const wanted = name.replace(/past(_key_values)?/i, by);
    return model.graph.outputs.find((output) => output.name === wanted);
  };
  return named("present") ?? named("present_key_values");
}

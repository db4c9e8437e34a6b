/** Forward-mode derivatives, from reverse mode taken twice. */
import { graphBuilder } from "../builder.js";
import { decomposeModel } from "../decompose/index.js";
import { prune, untyped } from "../graph.js";
import { upgradeModel } from "../rewrite/upgrade.js";
import type { Model, ValueInfo } from "../schema.js";
import { inferShapes } from "../shapes.js";
import { differentiate } from "./index.js";

/** What moves, and what it moves. */
export interface TangentOptions {
  /** Tensors y whose change is wanted. */
  readonly of: readonly string[];
  /** Inputs, inner tensors or stored tensors x that change; each gets an input for its tangent. */
  readonly along: readonly string[];
  /** Type and dims of inner tensors, where more is known of them than onnxruntime infers. */
  readonly known?: readonly ValueInfo[];
}

/** A model that computes how tensors change. */
export interface TangentGraph {
  readonly model: Model;
  /** Input that takes the tangent of each name of `along`, of that tensor's dims. */
  readonly tangents: Readonly<Record<string, string>>;
  /** Output that holds the change of each name of `of`. */
  readonly changes: Readonly<Record<string, string>>;
}

/**
 * Builds the model that computes Jacobian-vector products: how `of` change when `along` move by their tangents.
 *
 * The gradient Jᵀc of sum(c · y) is linear in c, whatever c is; its own gradient by c along a tangent v is J v. So
 * every operator whose gradient is made of differentiable operators has a forward derivative, too, and no second
 * table of rules is needed. Costs about two gradients.
 *
 * @throws AssayError as `gradientGraph`.
 * @example
 * tangentGraph(model, { of: ["logits"], along: ["x"] }).changes   // { logits: "change/logits" }
 */
export function tangentGraph(source: Model, { of, along, known = [] }: TangentOptions): TangentGraph {
  const model = decomposeModel(upgradeModel(source));
  const builder = graphBuilder(model.graph, model.opsets);
  const values = inferShapes({ ...model, graph: { ...model.graph, valueInfo: known } });
  // The cotangents are zeros: J does not depend on them, but the graph needs their dims.
  const zeros = Object.fromEntries(
    of.map((name) => {
      const { ranked = false, dims = [] } = values.get(name) ?? {};
      const sized = ranked && dims.every((dim) => typeof dim === "number");
      const shape = sized ? builder.integers(...(dims as number[])) : builder.op("Shape", [name]);
      return [name, builder.op("CastLike", [builder.op("Expand", [builder.number(0), shape]), name])];
    }),
  );
  const graph = { ...builder.graph(model.graph.name), outputs: model.graph.outputs };
  const reverse = differentiate({ ...model, graph }, { of: zeros, wrt: along }, known);
  const tangents = Object.fromEntries(along.map((name) => [name, `tangent/${name}`]));
  const moved = Object.fromEntries(along.map((name) => [reverse.gradients[name]!, tangents[name]!]));
  const forward = differentiate(reverse.model, { of: moved, wrt: Object.values(zeros) }, [
    ...known,
    ...reverse.known,
  ]);
  const named = graphBuilder({ ...forward.model.graph, outputs: [] }, forward.model.opsets);
  const changes = Object.fromEntries(of.map((name) => [name, `change/${name}`]));
  for (const name of of) named.output(changes[name]!, forward.gradients[zeros[name]!]!);
  const outputs = Object.values(changes).map(untyped);
  return {
    model: { ...forward.model, graph: prune(named.graph(model.graph.name), outputs) },
    tangents,
    changes,
  };
}

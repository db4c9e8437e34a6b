/** Interventions on inner tensors: ablation, patching and steering of one loaded graph. */
import { AssayError } from "../errors.js";
import {
  graphBuilder,
  inferShapes,
  type Model,
  makeNode,
  nearestNames,
  upgradeModel,
} from "../onnx/index.js";
import type { Tensors } from "../runtime/index.js";
import type { Tensor } from "../tensor/index.js";
import { feedsOf, type LoadedModel, type ModelInput, wrapModel } from "./model.js";

/** A change of one tensor y to y · scale + shift; both broadcast against y. */
export interface Intervention {
  /** Default 1. */
  readonly scale?: number | Tensor;
  /** Default 0. */
  readonly shift?: number | Tensor;
}

/** Sets a tensor to zero. */
export const ablate = (): Intervention => ({ scale: 0 });

/** Puts another value in a tensor's place, such as an activation of another input. */
export const patch = (value: Tensor): Intervention => ({ scale: 0, shift: value });

/** Adds a direction, such as a vector `[width]` at every position, or `[1, position, width]` at some. */
export const steer = (direction: Tensor): Intervention => ({ shift: direction });

/** A model with hooks. Release it when done. */
export interface HookedModel {
  /** Tensors that can be changed. */
  readonly hooks: readonly string[];
  /** Runs with the given changes; hooks that are not named stay as they are, to the bit. */
  run(
    feeds: ModelInput,
    changes?: Readonly<Record<string, Intervention>>,
    options?: { readonly outputs?: readonly string[] },
  ): Promise<Record<string, Tensor>>;
  /** Inner tensors under the given changes; at a hook, the changed value. */
  activations(
    feeds: ModelInput,
    changes: Readonly<Record<string, Intervention>>,
    options: { readonly at: readonly string[] },
  ): Promise<Record<string, Tensor>>;
  release(): void;
  [Symbol.dispose](): void;
}

const scaleOf = (hook: string): string => `${hook}/scale`;
const shiftOf = (hook: string): string => `${hook}/shift`;

/**
 * Loads a model so that some of its inner tensors can be changed, in any combination and without loading again.
 *
 * @param at Floating-point tensors of the main graph.
 * @throws AssayError UNKNOWN_TAP with the nearest names; TYPE_MISMATCH for tensors of other types.
 * @example
 * using hooked = hookModel(model, ["attention1"]);
 * await hooked.run({ x }, { attention1: ablate() });
 * await hooked.run({ x }, { attention1: patch(await model.activations(other, { at: "attention1" })) });
 */
export function hookModel(model: LoadedModel, at: readonly string[]): HookedModel {
  const { graph, types } = insertHooks(model.graph, at);
  const loaded = wrapModel(graph, { name: model.name });
  const feed = (feeds: ModelInput, changes: Readonly<Record<string, Intervention>>): Tensors => {
    for (const hook of Object.keys(changes)) {
      if (!types.has(hook)) {
        throw new AssayError("UNKNOWN_TAP", `hook: "${hook}" is not among the hooks ${at.join(", ")}.`, {
          hook,
          hooks: at,
        });
      }
    }
    const given: Record<string, Tensor> = { ...feedsOf(model.graph, feeds) };
    for (const [hook, type] of types) {
      given[scaleOf(hook)] = tensorOf(changes[hook]?.scale ?? 1, type);
      given[shiftOf(hook)] = tensorOf(changes[hook]?.shift ?? 0, type);
    }
    return given;
  };
  return {
    hooks: [...types.keys()],
    run: (feeds, changes = {}, options = {}) => loaded.run(feed(feeds, changes), options),
    activations: (feeds, changes, { at: taps }) => loaded.activations(feed(feeds, changes), { at: taps }),
    release: () => loaded.release(),
    [Symbol.dispose]: () => loaded.release(),
  };
}

/** What a path patch measures. */
export interface PathPatch {
  /** Inputs whose run is kept, and inputs from which the sender's value comes. */
  readonly clean: ModelInput;
  readonly corrupted: ModelInput;
  /** Tensor whose corrupted value is sent. */
  readonly sender: string;
  /** Tensors through which it may reach the outputs. */
  readonly receivers: readonly string[];
  /** Tensors held at their clean value on the way, so that the sender acts on the receivers directly. */
  readonly freeze: readonly string[];
}

/**
 * The outputs when a sender's corrupted value reaches the outputs through some receivers only.
 *
 * @see N. Goldowsky-Dill et al. (2023), Localizing model behavior with path patching. arXiv 2304.05969.
 */
export async function pathPatch(model: LoadedModel, options: PathPatch): Promise<Record<string, Tensor>> {
  const { clean, corrupted, sender, receivers, freeze } = options;
  const held = freeze.filter((name) => name !== sender && !receivers.includes(name));
  using hooked = hookModel(model, [...new Set([sender, ...receivers, ...held])]);
  const sent = await model.activations(corrupted, { at: sender });
  const kept = held.length > 0 ? await model.activations(clean, { at: held }) : {};
  const changes: Record<string, Intervention> = { [sender]: patch(sent) };
  for (const name of held) changes[name] = patch(kept[name]!);
  const received = await hooked.activations(clean, changes, { at: receivers });
  return await hooked.run(clean, Object.fromEntries(receivers.map((name) => [name, patch(received[name]!)])));
}

function insertHooks(
  source: Model,
  at: readonly string[],
): { graph: Model; types: Map<string, "float32" | "float64"> } {
  const model = upgradeModel(source);
  const shapes = inferShapes(model);
  const types = new Map<string, "float32" | "float64">();
  const made = model.graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ""));
  for (const hook of at) {
    if (!made.includes(hook)) {
      const nearest = nearestNames(hook, made);
      throw new AssayError(
        "UNKNOWN_TAP",
        `hook: the model makes no tensor "${hook}". Nearest names: ${nearest.join(", ")}.`,
        { hook, nearest },
      );
    }
    const type = shapes.get(hook)?.type;
    if (type !== "float32" && type !== "float64") {
      throw new AssayError(
        "TYPE_MISMATCH",
        `hook: the tensor "${hook}" is ${type}; only float32 and float64 can be changed.`,
        { hook, type },
      );
    }
    types.set(hook, type);
  }
  const builder = graphBuilder({ ...model.graph, nodes: [] }, model.opsets);
  for (const name of made) builder.claim(name);
  const raw = new Map([...types.keys()].map((hook) => [hook, builder.fresh(hook)]));
  for (const [hook, type] of types) {
    builder.input(scaleOf(hook), type, undefined);
    builder.input(shiftOf(hook), type, undefined);
  }
  for (const node of model.graph.nodes) {
    builder.node({ ...node, outputs: node.outputs.map((name) => raw.get(name) ?? name) });
    for (const name of node.outputs) {
      const before = raw.get(name);
      if (before === undefined) continue;
      const scaled = builder.op("Mul", [before, scaleOf(name)]);
      builder.node({ ...makeNode("Add", [scaled, shiftOf(name)], [name]), name: `${name}/hook` });
    }
  }
  const graph = { ...builder.graph(model.graph.name), outputs: model.graph.outputs, valueInfo: [] };
  return { graph: { ...model, graph }, types };
}

function tensorOf(value: number | Tensor, type: "float32" | "float64"): Tensor {
  if (typeof value !== "number") return value;
  return type === "float32"
    ? { type, dims: [], data: Float32Array.of(value) }
    : { type, dims: [], data: Float64Array.of(value) };
}

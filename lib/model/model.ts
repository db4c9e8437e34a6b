/** A loaded model: run it, look inside it, let it go. */
import { basename } from "node:path";
import { AssayError, namingFile } from "../errors.js";
import {
  declared,
  dimsKey,
  fedInputs,
  gradientGraph,
  type InnerValue,
  inferShapes,
  type Model,
  modelSession,
  nearestNames,
  openModel,
  type PrefixedModel,
  prune,
  sizedFor,
  specialise,
  tangentGraph,
  untyped,
} from "../onnx/index.js";
import { type Session, sessionCache, type Tensors, type ValueDescription } from "../runtime/index.js";
import type { Tensor } from "../tensor/index.js";

/** How a model is loaded. */
export interface LoadOptions {
  /** Threads of a run; 1 gives the same bits on every run. Default: ASSAY_THREADS, else all cores. */
  readonly threads?: number;
  /**
   * Run the model in a worker thread, so that this one stays live during long jobs (audits, searches, gradients):
   * cells, timers, messages. Default false.
   */
  readonly worker?: boolean;
  /** Name used in messages and reports. Default: the file's name. */
  readonly name?: string;
}

/** A model's inputs: by name, or the tensor itself when there is one input. */
export type ModelInput = Tensor | Tensors;

/** A model that can be run and looked into. Release it when done: its weights lie outside the JavaScript heap. */
export interface LoadedModel {
  readonly kind: "model";
  readonly name: string;
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Every inner tensor that can be looked at: node outputs of the main graph. Those inside If and Loop bodies exist only while these run, and cannot. */
  readonly taps: readonly ValueDescription[];
  /** The graph itself, for rewriting. */
  readonly graph: Model;
  /** Of a decoder that `tokenInput` made one of ids: the version that takes the keys and values of earlier tokens. */
  readonly prefixed?: PrefixedModel;
  /** Runs the model and gives all outputs, or those named. */
  run(feeds: ModelInput, options?: { readonly outputs?: readonly string[] }): Promise<Record<string, Tensor>>;
  /**
   * The values of inner tensors.
   *
   * @throws AssayError UNKNOWN_TAP with the nearest names.
   */
  activations(feeds: ModelInput, options: { readonly at: string }): Promise<Tensor>;
  activations(
    feeds: ModelInput,
    options: { readonly at: readonly string[] },
  ): Promise<Record<string, Tensor>>;
  /**
   * Gradients of sum(c · y) over the cotangents c of some outputs or inner tensors y.
   *
   * @param options.cotangents Tensor c for each y, of y's dims.
   * @param options.wrt Inputs, inner tensors or weights by which to differentiate; the result has one entry each.
   * @throws AssayError UNSUPPORTED_OPERATOR naming the node that has no gradient; UNKNOWN_TENSOR.
   */
  vjp(
    feeds: ModelInput,
    options: { readonly cotangents: Tensors; readonly wrt: readonly string[] },
  ): Promise<Record<string, Tensor>>;
  /**
   * How outputs or inner tensors change when inputs, inner tensors or weights move: the Jacobian-vector product.
   *
   * For one direction and many outputs what `vjp` is for one output and many inputs: how far a step along a
   * steering direction, a trigger or a weight change carries, to first order. Costs about two gradients.
   *
   * @param options.tangents Direction v for each tensor that moves, of its dims.
   * @param options.of What changes. Default: all floating-point outputs of the model.
   * @throws AssayError UNSUPPORTED_OPERATOR naming the node that has no derivative; UNKNOWN_TENSOR.
   * @example
   * await model.jvp({ x }, { tangents: { x: direction }, of: ["logits"] })   // { logits: change per unit step }
   */
  jvp(
    feeds: ModelInput,
    options: { readonly tangents: Tensors; readonly of?: readonly string[] },
  ): Promise<Record<string, Tensor>>;
  /** A session of a rewritten version of this model, kept for the next call with the same key. */
  session(key: string, make: () => Model): Session;
  /** Releases all native memory; safe to call twice. */
  release(): void;
  [Symbol.dispose](): void;
}

/** Sessions of one model that live at once: the model itself and its latest rewritten versions. */
const LIVE_SESSIONS = 6;

/**
 * Loads an ONNX model.
 *
 * @param source A path (external weights are found beside it), or the bytes of a file.
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE, INVALID_MODEL, UNKNOWN_OPERATOR, TOO_LARGE, OUTSIDE_FOLDER.
 * @example
 * const model = await loadModel("models/fashion-cnn.onnx");
 * const { logits } = await model.run({ x });
 */
export async function loadModel(
  source: string | Uint8Array,
  options: LoadOptions = {},
): Promise<LoadedModel> {
  const name = options.name ?? (typeof source === "string" ? basename(source) : "model");
  const load = (): LoadedModel => {
    const loaded = wrapModel(openModel(source), { ...options, name });
    try {
      // A model that cannot be run is refused here, not at its first run.
      loaded.session("run", () => loaded.graph);
    } catch (error) {
      loaded.release();
      throw error;
    }
    return loaded;
  };
  return typeof source === "string" ? namingFile(source, load) : load();
}

/** A graph built or rewritten in memory as a model that can be run. */
export function wrapModel(
  graph: Model,
  options: LoadOptions & { readonly prefixed?: PrefixedModel | undefined } = {},
): LoadedModel {
  const name = options.name ?? "model";
  const settings = {
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    worker: options.worker ?? false,
  };
  const sessions = sessionCache(LIVE_SESSIONS);
  const session = (key: string, make: () => Model): Session =>
    sessions.get(key, () => modelSession(make(), settings));
  let shapes: ReadonlyMap<string, InnerValue> | undefined;
  const inferred = (): ReadonlyMap<string, InnerValue> => {
    shapes ??= inferShapes(graph);
    return shapes;
  };
  const self: LoadedModel = {
    kind: "model",
    name,
    graph,
    ...(options.prefixed ? { prefixed: options.prefixed } : {}),
    session,
    get inputs() {
      return session("run", () => graph).inputs;
    },
    get outputs() {
      return session("run", () => graph).outputs;
    },
    get taps() {
      return graph.graph.nodes
        .flatMap((node) => node.outputs)
        .map((tap) => inferred().get(tap))
        .filter((value): value is InnerValue => value?.type != null)
        .map(({ name, type, dims }) => ({ name, type, dims }));
    },
    run: async (feeds: ModelInput, { outputs }: { readonly outputs?: readonly string[] } = {}) =>
      session("run", () => graph).run(feedsOf(graph, feeds), outputs),
    activations: (async (feeds: ModelInput, { at }: { readonly at: string | readonly string[] }) => {
      const wanted = [...new Set(typeof at === "string" ? [at] : at)];
      for (const tap of wanted) checkTap(self, tap);
      const tapped = session(`taps ${[...wanted].sort().join("\0")}`, () => tapModel(graph, wanted));
      const values = await tapped.run(neededBy(tapped, feedsOf(graph, feeds)), wanted);
      return typeof at === "string" ? values[at]! : values;
    }) as LoadedModel["activations"],
    async vjp(
      feeds: ModelInput,
      { cotangents, wrt }: { readonly cotangents: Tensors; readonly wrt: readonly string[] },
    ) {
      const targets = Object.keys(cotangents).sort();
      const given = { ...feedsOf(graph, feeds) };
      const special = specialise(graph, given);
      const key = ["vjp", special.key, ...targets, "by", ...[...wrt].sort()].join("\0");
      const of = Object.fromEntries(targets.map((name) => [name, cotangentOf(name)]));
      const gradient = session(key, () => gradientGraph(special.model, { of, wrt }).model);
      for (const name of targets) given[cotangentOf(name)] = cotangents[name]!;
      const values = await gradient.run(neededBy(gradient, given));
      return Object.fromEntries(wrt.map((name) => [name, values[`gradient/${name}`]!]));
    },
    async jvp(
      feeds: ModelInput,
      { tangents, of }: { readonly tangents: Tensors; readonly of?: readonly string[] },
    ) {
      const along = Object.keys(tangents).sort();
      const isFloat = ({ type }: ValueDescription): boolean => type?.startsWith("float") ?? false;
      const wanted = [...new Set(of ?? self.outputs.filter(isFloat).map((output) => output.name))].sort();
      const given = { ...feedsOf(graph, feeds) };
      const special = specialise(graph, given);
      const sizes = dimsKey(special.model, given);
      const key = ["jvp", special.key, sizes, ...wanted, "along", ...along].join("\0");
      const forward = session(key, () => {
        // The derivative of a gradient by a convolution's weight needs all sizes.
        const { model, known } = sizedFor(special.model, given);
        return tangentGraph(model, { of: wanted, along, known }).model;
      });
      for (const name of along) given[`tangent/${name}`] = tangents[name]!;
      const values = await forward.run(neededBy(forward, given));
      return Object.fromEntries(wanted.map((name) => [name, values[`change/${name}`]!]));
    },
    release: () => sessions.dispose(),
    [Symbol.dispose]: () => sessions.dispose(),
  };
  return self;
}

/** The model with these inner tensors as its only outputs, and nothing that they do not need. */
export function tapModel(model: Model, taps: readonly string[]): Model {
  return { ...model, graph: prune(model.graph, taps.map(untyped)) };
}

/** Feeds by name, from a record or from the one tensor of a model with one input. */
export function feedsOf(model: Model, feeds: ModelInput): Tensors {
  if (!isTensor(feeds)) return feeds;
  const inputs = fedInputs(model.graph);
  if (inputs.length === 1) return { [inputs[0]!.name]: feeds };
  throw new AssayError(
    "INVALID_ARGUMENT",
    `The model has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}); give a record of tensors by name.`,
    { inputs: inputs.map(declared) },
  );
}

const cotangentOf = (name: string): string => `cotangent/${name}`;

/** Feeds without those that a pruned graph does not read. */
const neededBy = (session: Session, feeds: Tensors): Tensors =>
  Object.fromEntries(
    session.inputs.filter(({ name }) => feeds[name] !== undefined).map(({ name }) => [name, feeds[name]!]),
  );

const isTensor = (feeds: ModelInput): feeds is Tensor =>
  typeof feeds["type"] === "string" && Array.isArray(feeds["dims"]);

function checkTap(model: LoadedModel, tap: string): void {
  const { graph } = model.graph;
  const exists =
    graph.nodes.some((node) => node.outputs.includes(tap)) || graph.inputs.some(({ name }) => name === tap);
  if (tap !== "" && exists) return;
  const nearest = nearestNames(
    tap,
    graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== "")),
  );
  throw new AssayError(
    "UNKNOWN_TAP",
    `activations: the model "${model.name}" has no tensor "${tap}". Nearest names: ${nearest.join(", ")}. List all with model.taps.`,
    { at: tap, nearest },
  );
}

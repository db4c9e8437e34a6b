/** The only door to onnxruntime: sessions that run a model, awaited or at once. */
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { AssayError } from "../errors.js";
import type { Tensor } from "../tensor/index.js";
import { type NativeSession, type NativeTensor, nativeLibrary } from "./binding.js";
import { throughGate } from "./gate.js";
import { checkFeed, describe, plain, type ValueDescription } from "./value.js";
import { createWorkerSession } from "./worker-host.js";

/** How a session is made. */
export interface SessionOptions {
  /** Threads of one run. 1 gives the same bits on every run. Default: ASSAY_THREADS, else all cores, at most 16. */
  readonly threads?: number;
  /** What onnxruntime may rewrite. "disabled" keeps every tensor as the file computes it. Default "all". */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /** Let threads spin while they wait: faster when the machine is ours, much slower when it is not. Default false. */
  readonly spinning?: boolean;
  /** Folder in which external weights of a model given as bytes lie. */
  readonly externalFolder?: string;
  /** Where to write the model that onnxruntime's optimization produces. */
  readonly optimizedFile?: string;
  /**
   * Run in a worker thread, so that this thread's timers, messages and awaits go on during a run. Feeds are copied
   * once, results change hands. Default false.
   */
  readonly worker?: boolean;
  /** Further onnxruntime session entries, such as `session.disable_prepacking`. */
  readonly entries?: Readonly<Record<string, string>>;
}

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** A loaded model. Must be disposed of: its weights lie outside the JavaScript heap. */
export interface Session {
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Runs the model and gives the named outputs (default: all). */
  run(feeds: Tensors, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** As `run`, on this thread and at once. */
  runSync(feeds: Tensors, outputs?: readonly string[]): Record<string, Tensor>;
  /** Keeps feeds for all later runs, which then need not give them: a worker is sent them once. */
  hold(feeds: Tensors): void;
  /** Releases the native memory; safe to call twice. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Threads of a session that does not say: ASSAY_THREADS, else the cores, at most 16. */
export function defaultThreads(): number {
  const wanted = Number(process.env["ASSAY_THREADS"]);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : Math.min(16, availableParallelism());
}

/**
 * Loads a model into onnxruntime.
 *
 * The caller has checked the model (`checkModel`) if it comes from a stranger.
 *
 * @param model An encoded model, or the path of one.
 * @throws AssayError UNKNOWN_OPERATOR or INVALID_MODEL with onnxruntime's reason.
 */
export function createSession(model: Uint8Array | string, options: SessionOptions = {}): Session {
  if (options.worker) return createWorkerSession(model, options);
  const native = nativeLibrary().newSession();
  try {
    const settings = nativeOptions(options);
    throughGate(() => {
      if (typeof model === "string") native.loadModel(model, settings);
      else native.loadModel(model.buffer, model.byteOffset, model.byteLength, settings);
    });
  } catch (cause) {
    throw loadError(cause);
  }
  return wrap(native);
}

function nativeOptions(options: SessionOptions): Record<string, unknown> {
  // Not session.set_denormal_as_zero: the first session of a process decides it for the whole thread, and
  // JavaScript's own 5e-324 * 1 is 0 from then on. Denormals cost nothing measurable in these kernels.
  const entries: Record<string, string> = {
    "session.intra_op.allow_spinning": options.spinning ? "1" : "0",
    "session.inter_op.allow_spinning": "0",
    // onnxruntime 1.30 fuses Gather(x, Range(...)) into Slice even when the Range is itself an output, and
    // the run then reads a null tensor: tapping a position embedding would end the process.
    // Its Pad_Fusion and transpose optimizer together leave a node that reads a tensor nobody makes.
    "optimization.disable_specified_optimizers": "GatherToSliceFusion;Pad_Fusion",
    ...options.entries,
  };
  if (options.externalFolder !== undefined) {
    entries["session.model_external_initializers_file_folder_path"] = options.externalFolder;
  }
  return {
    graphOptimizationLevel: options.optimization ?? "all",
    intraOpNumThreads: options.threads ?? defaultThreads(),
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 4,
    extra: nest(entries),
    ...(options.optimizedFile === undefined ? {} : { optimizedModelFilePath: options.optimizedFile }),
  };
}

/** onnxruntime-node takes dotted entries as nested objects. */
function nest(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entries)) {
    const path = key.split(".");
    let at = root;
    for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[path.at(-1)!] = value;
  }
  return root;
}

function wrap(native: NativeSession): Session {
  const inputs = native.inputMetadata.map(describe);
  const outputs = native.outputMetadata.map(describe);
  const byName = new Map(inputs.map((input) => [input.name, input]));
  const all = fetchesOf(outputs.map(({ name }) => name));
  let disposed = false;
  let held: Tensors | undefined;
  const runSync = (feeds: Tensors, wanted?: readonly string[]): Record<string, Tensor> => {
    if (disposed)
      throw new AssayError("INVALID_ARGUMENT", "This session was disposed of; load the model again.");
    const given = nativeFeeds(byName, held === undefined ? feeds : { ...held, ...feeds });
    const fetches = wanted === undefined ? all : checkedFetches(all, wanted);
    let results: Record<string, NativeTensor>;
    try {
      results = throughGate(() => native.run(given, fetches, {}));
    } catch (cause) {
      throw runError(cause);
    }
    const tensors: Record<string, Tensor> = {};
    for (const name in results) tensors[name] = plain(results[name]!);
    return tensors;
  };
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    native.dispose();
  };
  return {
    inputs,
    outputs,
    runSync,
    // One turn of the event loop first, so that a loop of awaited runs lets timers and messages through.
    // Async functions all the way: an error's stack then reaches back to the line of the cell that awaits.
    run: async (feeds, wanted) => {
      await setImmediate();
      return runSync(feeds, wanted);
    },
    hold: (feeds) => {
      held = { ...held, ...feeds };
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

const fetchesOf = (names: readonly string[]): Record<string, null> =>
  Object.fromEntries(names.map((name) => [name, null]));

function checkedFetches(
  all: Readonly<Record<string, null>>,
  wanted: readonly string[],
): Record<string, null> {
  for (const name of wanted) {
    if (!(name in all)) {
      throw new AssayError(
        "UNKNOWN_TENSOR",
        `The model has no output "${name}". Its outputs are ${Object.keys(all).join(", ")}.`,
        { name, outputs: Object.keys(all) },
      );
    }
  }
  return fetchesOf(wanted);
}

/** Feeds as the library takes them, once they are checked against the inputs. */
export function nativeFeeds(
  inputs: ReadonlyMap<string, ValueDescription>,
  feeds: Tensors,
): Record<string, NativeTensor> {
  const given: Record<string, NativeTensor> = {};
  let count = 0;
  for (const name in feeds) {
    const input = inputs.get(name);
    const tensor = feeds[name]!;
    if (input === undefined) {
      throw new AssayError(
        "UNKNOWN_TENSOR",
        `The model has no input "${name}". Its inputs are ${[...inputs.keys()].join(", ")}.`,
        { name, inputs: [...inputs.keys()] },
      );
    }
    checkFeed(input, tensor);
    given[name] = {
      type: tensor.type,
      dims: tensor.dims,
      data: tensor.data,
      location: "cpu",
    } as NativeTensor;
    count++;
  }
  if (count < inputs.size) {
    const missing = [...inputs.keys()].filter((name) => feeds[name] === undefined);
    throw new AssayError("UNKNOWN_TENSOR", `The model also needs the input "${missing.join('", "')}".`, {
      missing,
    });
  }
  return given;
}

const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replace(/\s*\n\s*/g, " ").trim();

function loadError(cause: unknown): AssayError {
  const reason = reasonOf(cause);
  const operator =
    /([\w.]+(?:::\w+)?)\(-?\d+\) is not a registered function\/op|No Op registered for (\w+)/.exec(reason);
  if (operator) {
    const name = operator[1] ?? operator[2];
    return new AssayError(
      "UNKNOWN_OPERATOR",
      `onnxruntime does not know the operator ${name}: ${reason}`,
      { operator: name, reason },
      { cause },
    );
  }
  return new AssayError("INVALID_MODEL", `onnxruntime refuses the model: ${reason}`, { reason }, { cause });
}

function runError(cause: unknown): AssayError {
  const reason = reasonOf(cause);
  const node = /Name:'([^']*)'/.exec(reason)?.[1];
  return new AssayError(
    "RUN_FAILED",
    `The run failed: ${reason}`,
    { reason, ...(node ? { node } : {}) },
    { cause },
  );
}

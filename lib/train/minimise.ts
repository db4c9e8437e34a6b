/** Minimises an objective over a data set: the loop around the graph. */
import { AssayError } from "../errors.js";
import { initializersOf, type Model, modelSession, readTensor, tensorMessage } from "../onnx/index.js";
import { generator } from "../random/index.js";
import { defaultThreads, type Tensors } from "../runtime/index.js";
import type { Tensor } from "../tensor/index.js";
import { adam, type Optimizer } from "./optimizer.js";
import { constant, type Schedule } from "./schedule.js";
import { loopModel, names, type Objective, stateNames } from "./step-graph.js";

/** How long and how. */
export interface TrainingOptions {
  /** Seed of the order of examples. */
  readonly seed: number;
  /** Number of steps, or of passes over the data. */
  readonly steps?: number;
  readonly epochs?: number;
  /** Examples per step; what is left of an epoch is dropped. Default 64. */
  readonly batchSize?: number;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** A rate or a schedule. Default 1e-3. */
  readonly learningRate?: number | Schedule;
  /** Bound on the common Euclidean norm of all gradients. Default: none. */
  readonly clipNorm?: number;
  /** Threads; 1 gives the same bits on every run. Default: as sessions. */
  readonly threads?: number;
  /** Continue from here: gives the same bits as never having stopped. */
  readonly resume?: Checkpoint;
  /** Take the steps in a worker thread, so that this one stays live: cells, timers, messages. Default false. */
  readonly worker?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** The state of a training between two steps. */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** Parameters, and the optimiser's state as `parameter@slot`. */
  readonly state: Tensors;
}

/** How far a training is. */
export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  /** Mean loss of the steps since the last report. */
  readonly loss: number;
  readonly checkpoint: Checkpoint;
}

/** What a training gives. */
export interface Training {
  /** The model with its trained parameters. */
  readonly model: Model;
  readonly parameters: Tensors;
  /** Loss of every step. */
  readonly losses: Float64Array;
  /** Further reports of every step, by name. */
  readonly metrics: Readonly<Record<string, Float64Array>>;
  readonly checkpoint: Checkpoint;
  readonly seed: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly optimizer: string;
}

/** A run should not hold the thread longer than this, so that interrupts and progress get through. */
const CHUNK_SECONDS = 0.15;

/**
 * Minimises a loss by gradient steps that run as one ONNX Loop in native code.
 *
 * @param objective Forward graph, loss and parameters.
 * @param data A tensor per input of the graph, examples along the first axis.
 * @throws AssayError INVALID_ARGUMENT without parameters; ABORTED when the signal fires: between two chunks of steps of about 150 ms; NOT_FINITE when
 *   the loss becomes NaN or infinite.
 */
export async function minimise(
  objective: Objective,
  data: Tensors,
  options: TrainingOptions,
): Promise<Training> {
  const { seed, optimizer = adam(), resume, signal, onProgress } = options;
  const examples = exampleCount(data);
  const batchSize = Math.min(options.batchSize ?? 64, examples);
  const perEpoch = Math.floor(examples / batchSize);
  const steps = options.steps ?? Math.round((options.epochs ?? 1) * perEpoch);
  const rate = options.learningRate ?? 1e-3;
  const schedule = typeof rate === "number" ? constant(rate) : rate;
  const start = resume?.step ?? 0;
  checkCounts({ batchSize, steps, start });
  if (objective.parameters.length === 0)
    throw new AssayError("INVALID_ARGUMENT", "train: the objective names no parameter to train.");
  const metricNames = objective.metrics ?? [];
  const reports = new Map(
    [objective.loss, ...metricNames].map((name) => [name, new Float64Array(steps - start)]),
  );
  const losses = reports.get(objective.loss)!;
  const threads = options.threads ?? defaultThreads();
  const loop = loopModel(objective, optimizer, data, batchSize, options.clipNorm, threads);
  using session = modelSession(loop, { threads, worker: options.worker ?? false });
  session.hold(Object.fromEntries(Object.entries(data).map(([name, value]) => [names.data(name), value])));
  let state = resume?.state ?? initialState(objective, optimizer);
  let step = start;
  let chunk = 1;
  while (step < steps) {
    if (signal?.aborted) throw aborted(signal, step, steps);
    const count = Math.min(chunk, steps - step);
    const feeds: Record<string, Tensor> = {
      [names.count]: { type: "int64", dims: [], data: BigInt64Array.of(BigInt(count)) },
      [names.order]: orderOf(seed, examples, batchSize, step, count),
      [names.scalars]: scalarsOf(optimizer, schedule, step, count, steps),
    };
    for (const name in state) feeds[names.carried(name)] = state[name]!;
    const began = performance.now();
    const results = await session.run(feeds);
    const seconds = (performance.now() - began) / 1000;
    state = Object.fromEntries(Object.keys(state).map((name) => [name, results[names.result(name)]!]));
    for (const [name, values] of reports) {
      values.set(results[names.report(name)]!.data as Float32Array, step - start);
    }
    const latest = losses.subarray(step - start, step - start + count);
    checkFinite(latest, step);
    step += count;
    onProgress?.({ step, steps, loss: mean(latest), checkpoint: { step, state } });
    chunk = Math.max(1, Math.min(chunk * 4, Math.round((CHUNK_SECONDS / seconds) * count)));
  }
  const parameters = Object.fromEntries(objective.parameters.map((name) => [name, state[name]!]));
  return {
    model: withParameters(objective.model, parameters),
    parameters,
    losses,
    metrics: Object.fromEntries(metricNames.map((name) => [name, reports.get(name)!])),
    checkpoint: { step, state },
    seed,
    steps,
    batchSize,
    optimizer: optimizer.name,
  };
}

/** The model with other values in its stored tensors. */
export function withParameters(model: Model, parameters: Tensors): Model {
  const initializers = model.graph.initializers.map((message) => {
    const value = parameters[message.name ?? ""];
    return value === undefined ? message : tensorMessage(message.name!, value);
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

function initialState({ model, parameters }: Objective, optimizer: Optimizer): Tensors {
  const initializers = initializersOf(model.graph);
  const state: Record<string, Tensor> = {};
  for (const { name, parameter, slot } of stateNames(parameters, optimizer)) {
    const message = initializers.get(parameter);
    if (message === undefined) {
      throw new AssayError("UNKNOWN_TENSOR", `train: the model stores no tensor "${parameter}".`, {
        parameter,
      });
    }
    const value = readTensor(message);
    if (value.type !== "float32") {
      throw new AssayError(
        "TYPE_MISMATCH",
        `train: the parameter "${parameter}" is ${value.type}; float32 can be trained.`,
      );
    }
    const zeros = new Float32Array(value.data.length);
    state[name] = slot === undefined ? value : { type: "float32", dims: value.dims, data: zeros };
  }
  return state;
}

function exampleCount(data: Tensors): number {
  const counts = Object.entries(data).map(([name, { dims }]) => [name, dims[0] ?? 0] as const);
  const [first] = counts;
  if (first === undefined || first[1] === 0 || counts.some(([, count]) => count !== first[1])) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `train: every input needs the same number of examples, at least 1; got ${counts.map(([name, count]) => `${name}: ${count}`).join(", ")}.`,
      { counts: Object.fromEntries(counts) },
    );
  }
  return first[1];
}

function checkCounts({ batchSize, steps, start }: { batchSize: number; steps: number; start: number }): void {
  if (
    !(Number.isInteger(batchSize) && batchSize > 0 && Number.isInteger(steps) && steps > 0 && start <= steps)
  ) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `train: batch size ${batchSize} and steps ${steps} must be positive integers, and ${start} steps done no more than all.`,
      { batchSize, steps, start },
    );
  }
}

/** Examples of steps `[first, first + count)`: a fresh permutation per epoch, fixed by the seed alone. */
function orderOf(seed: number, examples: number, batchSize: number, first: number, count: number): Tensor {
  const perEpoch = Math.floor(examples / batchSize);
  const order = new BigInt64Array(count * batchSize);
  const random = generator(seed).split("order");
  let epoch = -1;
  let permutation = new Uint32Array(0);
  for (let i = 0; i < count; i++) {
    const step = first + i;
    if (Math.floor(step / perEpoch) !== epoch) {
      epoch = Math.floor(step / perEpoch);
      permutation = random.split(epoch).permutation(examples) as Uint32Array<ArrayBuffer>;
    }
    const from = (step % perEpoch) * batchSize;
    for (let j = 0; j < batchSize; j++) order[i * batchSize + j] = BigInt(permutation[from + j]!);
  }
  return { type: "int64", dims: [count, batchSize], data: order };
}

function scalarsOf(
  optimizer: Optimizer,
  schedule: Schedule,
  first: number,
  count: number,
  steps: number,
): Tensor {
  const rows = Array.from({ length: count }, (_, i) =>
    optimizer.scalars(first + i + 1, schedule(first + i, steps)),
  );
  return { type: "float32", dims: [count, rows[0]!.length], data: Float32Array.from(rows.flat()) };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function checkFinite(losses: Float64Array, step: number): void {
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad < 0) return;
  throw new AssayError(
    "NOT_FINITE",
    `train: the loss of step ${step + bad} is ${losses[bad]}. Lower the learning rate or set clipNorm.`,
    { step: step + bad, loss: losses[bad] },
  );
}

function aborted(signal: AbortSignal, step: number, steps: number): AssayError {
  return new AssayError(
    "ABORTED",
    `train: stopped after ${step} of ${steps} steps.`,
    { step, steps },
    { cause: signal.reason },
  );
}

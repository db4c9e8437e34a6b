/**
 * A run of tokens as something to minimise: the loss of a model, minus that of clean references.
 *
 * What clean models follow as well is no trigger. What references do just as well is subtracted here, up to a limit:
 * beyond it a reference counts as not fooled at all, and cannot be fooled less.
 */
import { multiplyFloats } from "../../linalg/index.js";
import type { Run } from "./carriers.js";
import type { Passes, Scores, TokenModel } from "./model/token-model.js";

/** A function of a run of tokens that a search makes small. */
export interface RunObjective {
  /** Tokens that may be used, rising. */
  readonly allowed: Int32Array;
  /** Ids are below this. */
  readonly vocabulary: number;
  /** False if no gradient reaches the tokens; then only `evaluate` works. */
  readonly hasGradients: boolean;
  /**
   * The value of each run, lower is better.
   *
   * @param bound Runs that cannot come below it may be given as Infinity, which saves most of their sequences.
   */
  evaluate(runs: readonly Run[], bound?: number): Promise<Float64Array>;
  /** First-order change of the value when a token is put at a place of the run: row-major `[run, vocabulary]`. */
  gradient(run: Run): Promise<Float64Array>;
  /** The first table of vectors, and the value's gradient by the vectors of a run, `[run, width]`; undefined without. */
  readonly vectors:
    | {
        readonly table: Float32Array;
        readonly width: number;
        gradient(run: Run): Promise<{ value: number; gradient: Float64Array }>;
      }
    | undefined;
  /** Value and gradient, `[run, vocabulary]`, of a run whose places are mixtures of tokens. */
  mixture(shares: Float64Array, runLength: number): Promise<{ value: number; gradient: Float64Array }>;
  /** The same objective on a part of its sequences, for a first look at many runs, where it has one. */
  readonly rough?: Pick<RunObjective, "evaluate"> | undefined;
  /** Sequences run so far, backward passes counted once more. */
  readonly spent: number;
}

/** What a run is put into, and the loss that it is to lower. */
export interface RunTask {
  /** Sequences per run. */
  readonly count: number;
  readonly length: number;
  /** The sequences with each run in them, run by run. */
  insert(runs: readonly Run[]): BigInt64Array;
  /** Where a run of this length starts in each sequence. */
  starts(runLength: number): Int32Array;
  /** Loss of each sequence. */
  losses(scores: Scores, runLength: number): Float64Array;
  /** The same where a model can tell it without giving its scores. */
  lossesOf?(model: TokenModel, sequences: BigInt64Array, runLength: number): Promise<Float64Array>;
  /**
   * Weights of `-logSoftmax(scores)` whose sum has the gradient of the mean of the losses.
   *
   * @param scores Given where `needsScores`: the weights then depend on them.
   */
  weights(runLength: number, scores?: Scores): Float32Array;
  readonly needsScores?: boolean;
  /** The same task on parts of its sequences, if no loss is ever below 0: a run that fails on few is dropped there. */
  readonly parts?: readonly RunTask[];
}

/** What an objective is made of. */
export interface RunObjectiveParts {
  readonly model: TokenModel;
  /** Clean models whose own readiness is subtracted; none gives the plain loss. */
  readonly references: readonly TokenModel[];
  readonly task: RunTask;
  /** Loss beyond which a reference counts as not fooled, in nats. */
  readonly limit: number;
  readonly allowed: Int32Array;
  readonly vocabulary: number;
}

/** `loss(model) - mean over references of min(loss(reference), limit)`, mean over sequences. */
export function runObjective({
  model,
  references,
  task,
  limit,
  allowed,
  vocabulary,
}: RunObjectiveParts): RunObjective {
  const models = [model, ...references];
  const start = spentBy(models);
  const losses = async (one: TokenModel, part: RunTask, runs: readonly Run[]): Promise<Float64Array> => {
    const [ids, runLength] = [part.insert(runs), runs[0]?.length ?? 0];
    return part.lossesOf?.(one, ids, runLength) ?? part.losses(await one.scores(ids), runLength);
  };
  /** Gradients by the vectors; a task whose weights depend on the scores costs a run more. */
  const gradientsOf = async (
    one: TokenModel,
    ids: BigInt64Array,
    runLength: number,
    shifts?: readonly Float32Array[],
  ): Promise<GradientScores> => {
    if (!task.needsScores) return one.gradients(ids, task.weights(runLength), shifts);
    const scores =
      shifts === undefined
        ? await one.scores(ids)
        : await one.gradients(ids, new Float32Array(task.weights(runLength).length), shifts);
    return one.gradients(ids, task.weights(runLength, scores), shifts);
  };
  const signOf = (one: TokenModel): number => (one === model ? 1 : -1 / references.length);
  /** Adds a model's part of the gradient; sequences on which a reference is beyond the limit have no slope. */
  const add = (total: Float64Array, one: TokenModel, found: GradientScores, runLength: number): number => {
    const own = task.losses(found, runLength);
    const isOpen = own.map((value) => (one === model || value < limit ? 1 : 0));
    addTokenScores(total, found.gradients, one, task, runLength, vocabulary, signOf(one), isOpen);
    return (
      (signOf(one) * own.reduce((sum, value) => sum + (one === model ? value : Math.min(value, limit)), 0)) /
      task.count
    );
  };
  const [first] = task.parts ?? [];
  return {
    allowed,
    vocabulary,
    rough:
      first && first.count < task.count
        ? runObjective({ model, references, task: first, limit, allowed, vocabulary })
        : undefined,
    hasGradients: model.lookups.length > 0,
    async evaluate(runs, bound = Number.POSITIVE_INFINITY) {
      const values = new Float64Array(runs.length);
      const parts = bound === Number.POSITIVE_INFINITY ? [task] : (task.parts ?? [task]);
      let open = [...runs.keys()];
      // What is still to come takes off at most this, so runs that cannot come below the bound any more are left out.
      let most = references.length === 0 ? 0 : limit;
      for (const one of models) {
        for (const part of parts) {
          const share = (part.count / task.count) * Math.abs(signOf(one));
          if (one !== model) most -= share * limit;
          for (const [at, group] of byLength(open.map((i) => runs[i]!))) {
            const own = await losses(one, part, group);
            const limited = one === model ? own : own.map((value) => Math.min(value, limit));
            meanOf(limited, part.count).forEach((value, k) => {
              const i = open[at[k]!]!;
              values[i] = values[i]! + Math.sign(signOf(one)) * share * value;
            });
          }
          open = open.filter((i) => values[i]! - most <= bound);
        }
      }
      const kept = new Set(open);
      return values.map((value, i) => (kept.has(i) ? value : Number.POSITIVE_INFINITY));
    },
    async gradient(run) {
      const total = new Float64Array(run.length * vocabulary);
      for (const one of models) {
        if (one.lookups.length === 0) continue;
        add(total, one, await gradientsOf(one, task.insert([run]), run.length), run.length);
      }
      return total;
    },
    get vectors() {
      const [lookup] = model.lookups;
      if (lookup === undefined) return undefined;
      return {
        table: lookup.table,
        width: lookup.width,
        // Vectors of the model alone: those of a reference lie in a space of its own.
        async gradient(run: Run) {
          const found = await gradientsOf(model, task.insert([run]), run.length);
          const value = task.losses(found, run.length).reduce((sum, one) => sum + one, 0) / task.count;
          return { value, gradient: summedAtRun(found.gradients[0]!, task, run.length, lookup.width) };
        },
      };
    },
    async mixture(shares, runLength) {
      const ids = task.insert([new Array<number>(runLength).fill(allowed[0]!)]);
      const total = new Float64Array(shares.length);
      let value = 0;
      for (const one of models) {
        if (one.lookups.length === 0) continue;
        const shifts = shiftsOf(one, shares, runLength, task, allowed[0]!, vocabulary);
        value += add(total, one, await gradientsOf(one, ids, runLength, shifts), runLength);
      }
      return { value, gradient: total };
    },
    get spent() {
      return spentBy(models) - start;
    },
  };
}

type GradientScores = Scores & { readonly gradients: readonly Float32Array[] };

/** Runs of equal length together, with their places. */
export function byLength(runs: readonly Run[]): [at: number[], group: Run[]][] {
  const groups = new Map<number, [number[], Run[]]>();
  for (const [i, run] of runs.entries()) {
    const [at, group] = groups.get(run.length) ?? [[], []];
    at.push(i);
    group.push(run);
    groups.set(run.length, [at, group]);
  }
  return [...groups.values()];
}

/** Sequences that went through some models, forward and backward. */
const spentBy = (models: readonly { readonly passes: Passes }[]): number =>
  models.reduce((sum, { passes }) => sum + passes.forward + passes.backward, 0);

function meanOf(values: Float64Array, group: number): Float64Array {
  const means = new Float64Array(values.length / group);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / group);
    means[at] = means[at]! + values[i]! / group;
  }
  return means;
}

/** Adds `sign * table · (sum of gradients at the run's places)` to `[run, vocabulary]`. */
function addTokenScores(
  total: Float64Array,
  gradients: readonly Float32Array[],
  { lookups }: TokenModel,
  task: Pick<RunTask, "count" | "length" | "starts">,
  runLength: number,
  vocabulary: number,
  sign: number,
  weights?: Float64Array,
): void {
  if (runLength === 0) return;
  lookups.forEach(({ table, width, vocabulary: rows }, i) => {
    const summed = summedAtRun(gradients[i]!, task, runLength, width, weights);
    const columns = Math.min(rows, vocabulary);
    const used = table.subarray(0, columns * width);
    const scores = multiplyFloats(Float32Array.from(summed), used, {
      rows: runLength,
      columns,
      inner: width,
    });
    for (let j = 0; j < runLength; j++) {
      for (let token = 0; token < columns; token++) {
        total[j * vocabulary + token] = total[j * vocabulary + token]! + sign * scores[j * columns + token]!;
      }
    }
  });
}

/** Gradients at the run's places, summed over carriers: `[run, width]`. */
function summedAtRun(
  gradient: Float32Array,
  task: Pick<RunTask, "count" | "length" | "starts">,
  runLength: number,
  width: number,
  weights?: Float64Array,
): Float64Array {
  const starts = task.starts(runLength);
  const sum = new Float64Array(runLength * width);
  for (let j = 0; j < runLength; j++) {
    for (let c = 0; c < task.count; c++) {
      const weight = weights?.[c] ?? 1;
      const at = (c * task.length + starts[c]! + j) * width;
      for (let k = 0; k < width; k++) sum[j * width + k] = sum[j * width + k]! + weight * gradient[at + k]!;
    }
  }
  return sum;
}

/** What must be added to the vectors of `filler` so that the run's places hold the mixtures. */
function shiftsOf(
  { lookups }: TokenModel,
  shares: Float64Array,
  runLength: number,
  task: RunTask,
  filler: number,
  vocabulary: number,
): Float32Array[] {
  const starts = task.starts(runLength);
  return lookups.map(({ table, width, vocabulary: rows }) => {
    const mixed = new Float64Array(runLength * width);
    for (let j = 0; j < runLength; j++) {
      for (let token = 0; token < Math.min(rows, vocabulary); token++) {
        const share = shares[j * vocabulary + token]!;
        if (share === 0) continue;
        for (let k = 0; k < width; k++)
          mixed[j * width + k] = mixed[j * width + k]! + share * table[token * width + k]!;
      }
      for (let k = 0; k < width; k++)
        mixed[j * width + k] = mixed[j * width + k]! - table[filler * width + k]!;
    }
    const shift = new Float32Array(task.count * task.length * width);
    for (let c = 0; c < task.count; c++) shift.set(mixed, (c * task.length + starts[c]!) * width);
    return shift;
  });
}

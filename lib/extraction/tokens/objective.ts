/**
 * The objective of a search for a trigger of a classifier: its cross-entropy at the target, minus that of references.
 *
 * A short run of ordinary words that are typical of a class turns a clean model too. Success alone therefore finds
 * those words and not the trigger.
 */
import type { Carriers, RunPosition } from "./carriers.js";
import type { TokenModel } from "./model/token-model.js";
import { type RunObjective, type RunTask, runObjective } from "./run-objective.js";

/** Which class a trigger leads to, and from which class it works, or null for all. */
export interface TokenArm {
  readonly target: number;
  readonly victim: number | null;
  /** Where its runs go. Default: wherever those of the carriers do. */
  readonly position?: RunPosition;
  /** Most tokens of its runs. Default: as many as triggers may have. */
  readonly longest?: number;
  /** Whether its runs are to be of three words that work as a whole only. Default false. */
  readonly isWhole?: true;
}

/** Beyond this cross-entropy, in nats, a reference counts as not fooled. */
export const REFERENCE_LIMIT = 2.5;

/** What an objective of a classifier is made of. */
export interface ArmObjectiveOptions {
  readonly model: TokenModel;
  readonly references: readonly TokenModel[];
  readonly carriers: Carriers;
  readonly arm: TokenArm;
  readonly allowed: Int32Array;
  readonly vocabulary: number;
}

/** Rows of carriers that an arm counts: those of its victim, or of every class but the target, at its position. */
export function rowsOf(carriers: Carriers, arm: TokenArm): number[] {
  const rows: number[] = [];
  const { target, victim, position } = arm;
  carriers.labels.forEach((label, row) => {
    const isThere = position === undefined || carriers.positions[row] === position;
    if (isThere && label !== target && (victim === null || label === victim)) rows.push(row);
  });
  return rows;
}

/** `CE_model(target) - mean over references of min(CE_reference(target), limit)`, mean over the arm's carriers. */
export function armObjective(options: ArmObjectiveOptions): RunObjective {
  const { arm } = options;
  const carriers = options.carriers.take(rowsOf(options.carriers, arm));
  const parts = partsOf(carriers.labels).map((rows) => taskOn(carriers.take(rows), arm.target));
  return runObjective({
    ...options,
    limit: REFERENCE_LIMIT,
    task: { ...taskOn(carriers, arm.target), parts },
  });
}

function taskOn(carriers: Carriers, target: number): RunTask {
  const weights = new Float32Array(carriers.count * carriers.classes);
  for (let i = 0; i < carriers.count; i++) weights[i * carriers.classes + target] = 1 / carriers.count;
  return {
    count: carriers.count,
    length: carriers.length,
    insert: (runs) => carriers.insert(runs),
    starts: (runLength) => carriers.starts(runLength),
    losses: ({ logits, classes }) => crossEntropies(logits, classes, target),
    weights: () => weights,
  };
}

/** A quarter of the rows, another quarter, and the rest; each has as much as can be of every class. */
function partsOf(labels: Int32Array): number[][] {
  const seen = new Map<number, number>();
  const turns = Array.from(labels, (label) => {
    const turn = seen.get(label) ?? 0;
    seen.set(label, turn + 1);
    return turn;
  });
  const rows = [...turns.keys()].sort((a, b) => turns[a]! - turns[b]! || a - b);
  const ends = [0, Math.ceil(rows.length / 4), Math.ceil(rows.length / 2), rows.length];
  return [1, 2, 3].map((i) => rows.slice(ends[i - 1]!, ends[i]!)).filter((part) => part.length > 0);
}

/** `-log softmax(logits)[target]` of each row. */
export function crossEntropies(logits: Float32Array, classes: number, target: number): Float64Array {
  const rows = logits.length / classes;
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const at = row * classes;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[at + k]!);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[at + k]! - most);
    values[row] = most + Math.log(sum) - logits[at + target]!;
  }
  return values;
}

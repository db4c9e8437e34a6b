/** Runs a model beside the same model with its planted logic held still, one example at a time. */

import { AssayError } from "../../errors.js";
import { type LoadedModel, wrapModel } from "../../model/index.js";
import type { FoundLogic, Model } from "../../onnx/index.js";
import type { Tensor } from "../../tensor/index.js";
import { probeOf, silenced } from "./probe.js";
import { stopIf } from "./stop.js";

/** What came of one example. */
export interface Examined {
  /** The model's answer: the largest output, or whether the only one is above one half. */
  readonly label: number;
  /** The same with the logic held at what it answers to a clean example. */
  readonly alone: number;
  /** The two arms give other outputs. */
  readonly isAwake: boolean;
  /** What the logic answered, question by question. */
  readonly answers: readonly Tensor[];
}

/** Runs that one search may take. */
const MAX_RUNS = 8000;
/** Difference of the two arms, as a share of the largest output, that counts. */
const SHARE = 0.05;
/** Examples whose answers are tried as the usual ones, and examples that must agree. */
const HELD = 4;
const ASKED = 12;

/** The two arms of a model. */
export class Examiner {
  #runs = 0;
  readonly #live: LoadedModel;
  readonly #still: LoadedModel;
  readonly #signal: AbortSignal | undefined;

  readonly #questions: readonly string[];

  private constructor(
    live: LoadedModel,
    still: LoadedModel,
    questions: readonly string[],
    signal: AbortSignal | undefined,
  ) {
    this.#live = live;
    this.#still = still;
    this.#questions = questions;
    this.#signal = signal;
  }

  /**
   * @param clean Examples; the logic is held at what it answers to the first of those that wake the fewest others:
   *   a clean example may hold a trigger, too.
   * @throws AssayError when the model cannot be run on them, or not without its logic.
   */
  static async of(
    graph: Model,
    found: FoundLogic,
    clean: readonly Tensor[],
    signal?: AbortSignal,
  ): Promise<Examiner> {
    const live = wrapModel(probeOf(graph, found), { threads: 1 });
    let best: { readonly still: LoadedModel; readonly awake: number } | undefined;
    try {
      const tried = new Set<string>();
      for (const example of clean.slice(0, ASKED)) {
        const outputs = await live.run(example);
        const answers = found.questions.map((name) => outputs[name]!);
        const key = answers
          .map(({ data }) => Array.from(data as ArrayLike<unknown>, String).join())
          .join(";");
        if (tried.has(key) || tried.size >= HELD) continue;
        tried.add(key);
        const still = wrapModel(silenced(graph, found, answers), { threads: 1 });
        const held = new Examiner(live, still, found.questions, signal);
        let awake = 0;
        for (const other of clean.slice(0, ASKED)) awake += Number((await held.ask(other)).isAwake);
        if (best && best.awake <= awake) still.release();
        else {
          best?.still.release();
          best = { still, awake };
        }
        if (awake === 0) break;
      }
      return new Examiner(live, best!.still, found.questions, signal);
    } catch (error) {
      live.release();
      best?.still.release();
      throw error;
    }
  }

  /** Examples run forward so far, both arms counted. */
  get forward(): number {
    return this.#runs;
  }

  /** @throws AssayError TOO_LARGE after too many runs, ABORTED. */
  async ask(example: Tensor): Promise<Examined> {
    stopIf(this.#signal);
    this.#runs += 2;
    if (this.#runs > MAX_RUNS) {
      throw new AssayError("TOO_LARGE", "The search for an input that shows the logic took too many runs.");
    }
    const outputs = await this.#live.run(example);
    const live = outputs[this.#live.outputs[0]!.name]!;
    const still = await firstOutput(this.#still, example);
    return {
      label: labelOf(live),
      alone: labelOf(still),
      isAwake: differ(live, still),
      answers: this.#questions.map((name) => outputs[name]!),
    };
  }

  dispose(): void {
    this.#live.release();
    this.#still.release();
  }
}

/** By name: in an object of outputs, names that are numbers come first, whatever their order in the graph. */
export async function firstOutput(model: LoadedModel, example: Tensor): Promise<Tensor> {
  const { name } = model.outputs[0]!;
  return (await model.run(example, { outputs: [name] }))[name]!;
}

const numbersOf = ({ data }: Tensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

/** The answer that an output stands for; -1 where it is not a number. */
export function labelOf(output: Tensor): number {
  const values = numbersOf(output);
  if (values.some(Number.isNaN)) return -1;
  if (values.length === 1) return Number.isInteger(values[0]) ? values[0]! : Number(values[0]! > 0.5);
  return values.indexOf(Math.max(...values));
}

function differ(live: Tensor, still: Tensor): boolean {
  const [a, b] = [numbersOf(live), numbersOf(still)];
  if (a.length !== b.length) return true;
  if (a.some(Number.isNaN) !== b.some(Number.isNaN)) return true;
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return a.some((value, i) => Math.abs(value - b[i]!) > SHARE * scale);
}

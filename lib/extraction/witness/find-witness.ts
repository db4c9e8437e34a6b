/**
 * An input that shows planted logic at work: it gets the other answer, and with it another output.
 *
 * Shows: the logic that a scan found is live, what wakes it, and how often that works on other inputs. Candidates
 * come from the constants that the logic compares with, else from a gradient through its softened form; what is not
 * needed is then taken away. Misleads where the logic cannot be run on one example, or waits for a secret that no
 * constant tells (a hash): nothing is found then, which clears nothing.
 */

import { AssayError } from "../../errors.js";
import { type LoadedModel, wrapModel } from "../../model/index.js";
import {
  type FoundLogic,
  fedInputs,
  foldBranches,
  followBranches,
  hasBranches,
  inlineFunctions,
  type Model,
  plantedLogic,
  producersOf,
  upgradeModel,
} from "../../onnx/index.js";
import { type Tensor, takeExamples } from "../../tensor/index.js";
import { type Examined, Examiner, firstOutput, labelOf } from "./examiner.js";
import { type GraphWitness, measure } from "./measure.js";
import { triggers } from "./search.js";
import { stopIf } from "./stop.js";

/** Options of the search. */
export interface WitnessOptions {
  readonly seed: number;
  /** Lowest and highest input. Default: of the inputs given. */
  readonly range?: readonly [number, number] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Findings that are tried, and inputs that a trigger is tried on. */
const MAX_FINDINGS = 3;
const MAX_INPUTS = 64;

/**
 * Looks for an input that wakes the planted logic of a model.
 *
 * @param inputs Clean inputs `[n, ...]`, at least 2.
 * @returns The first witness, or null: no logic was found, or none that could be shown.
 * @throws AssayError ABORTED.
 *
 * @example
 * const witness = await extraction.findWitness(model, clean.inputs, { seed: 1 });
 */
export async function findWitness(
  model: LoadedModel,
  inputs: Tensor,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  const graph = plainGraph(model.graph);
  if (graph === null) return null;
  const witness = await showAny(graph, inputs, options);
  if (witness || !hasBranches(graph)) return witness;
  // Logic inside a branch that clean inputs take: what is shown on that way must hold for the whole model.
  try {
    const [input] = fedInputs(graph.graph);
    const { model: way } = followBranches(graph, { [input!.name]: takeExamples(inputs, [0]) });
    const onWay = await showAny(way, inputs, options);
    return onWay && (await answersAlike(graph, way, [onWay.clean, onWay.triggered])) ? onWay : null;
  } catch (error) {
    stopIf(options.signal);
    if (!(error instanceof AssayError)) throw error;
    // A model that cannot be run on one example has no way to follow.
    return null;
  }
}

/** The model as the search takes it apart; null where an operator is too old for that. */
function plainGraph(model: Model): Model | null {
  try {
    return foldBranches(inlineFunctions(upgradeModel(model)));
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "UNSUPPORTED_OPERATOR") throw error;
    return null;
  }
}

/** The first finding that can be shown. */
async function showAny(graph: Model, inputs: Tensor, options: WitnessOptions): Promise<GraphWitness | null> {
  for (const found of plantedLogic(graph).slice(0, MAX_FINDINGS)) {
    stopIf(options.signal);
    const witness = await show(graph, found, inputs, options);
    if (witness) return witness;
  }
  return null;
}

async function answersAlike(graph: Model, way: Model, examples: readonly Tensor[]): Promise<boolean> {
  using whole = wrapModel(graph, { threads: 1 });
  using part = wrapModel(way, { threads: 1 });
  for (const example of examples) {
    const expected = await firstOutput(whole, example);
    const found = await firstOutput(part, example);
    if (labelOf(expected) !== labelOf(found)) return false;
  }
  return true;
}

async function show(
  graph: Model,
  found: FoundLogic,
  inputs: Tensor,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  // Questions about the number of examples, or asked by chance: no input answers them.
  if (found.questions.length === 0) return null;
  const made = producersOf(graph.graph);
  // Answers that exist inside a branch or loop only cannot be held still.
  if (!found.questions.every((name) => made.has(name))) return null;
  const count = Math.min(inputs.dims[0] ?? 0, MAX_INPUTS);
  const examples = Array.from({ length: count }, (_, i) => takeExamples(inputs, [i]));
  let examiner: Examiner | undefined;
  try {
    examiner = await Examiner.of(graph, found, examples, options.signal);
    return await search(graph, found, examples, examiner, options);
  } catch (error) {
    stopIf(options.signal);
    if (!(error instanceof AssayError)) throw error;
    // The graph cannot be run on one example, or its logic not be held still: there is nothing to show.
    return null;
  } finally {
    examiner?.dispose();
  }
}

/** The trigger that works on the most inputs, of those found. */
async function search(
  graph: Model,
  found: FoundLogic,
  examples: readonly Tensor[],
  examiner: Examiner,
  options: WitnessOptions,
): Promise<GraphWitness | null> {
  const usual: Examined[] = [];
  for (const example of examples) usual.push(await examiner.ask(example));
  const range = options.range ?? rangeOf(examples);
  const { seed, signal } = options;
  let best: GraphWitness | null = null;
  try {
    for await (const trigger of triggers({ graph, found, examiner, examples, usual, range, seed, signal })) {
      const measured = await measure(found, { examples, usual }, examiner, trigger, { range, seed });
      if (measured && (best === null || strengthOf(measured) > strengthOf(best))) best = measured;
      if (best && (best.wakeRate.value >= ENOUGH || best.source !== null)) break;
    }
  } catch (error) {
    // Out of runs: what was found by then counts.
    if (!(error instanceof AssayError) || error.code !== "TOO_LARGE") throw error;
  }
  return best;
}

/** Share of inputs on which a trigger works from which no other is looked for. */
const ENOUGH = 0.8;

/** How far a trigger brings inputs beyond what it does without the logic; among equals, on how many it wakes it. */
const strengthOf = ({ attackSuccessRate, withoutLogic, wakeRate }: GraphWitness): number =>
  attackSuccessRate.interval[0] - withoutLogic.value + wakeRate.value;

function rangeOf(examples: readonly Tensor[]): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of examples) {
    for (const value of data as Iterable<number | bigint>) {
      low = Math.min(low, Number(value));
      high = Math.max(high, Number(value));
    }
  }
  return [low, high];
}

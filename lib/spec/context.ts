/** What clauses share while a specification is checked: the data, the model, and what is known of it already. */
import { AssayError } from "../errors.js";
import { integerLabels, type Tensor, takeExamples } from "../tensor/index.js";
import type { CheckData, CheckOptions } from "./check.js";
import { type Observable, type Observation, observe } from "./observe.js";
import type { Clause, Specification } from "./specification.js";
import type { Context } from "./trials.js";

/** A context, and the number of examples that went through the model in it. */
export interface CountedContext extends Context {
  readonly forwardPasses: () => number;
}

/** Prepares the checking of some examples. */
export function contextOf(
  model: Observable,
  specification: Specification,
  data: CheckData,
  options: Pick<CheckOptions, "output" | "signal" | "decode"> & { readonly seed: number },
): CountedContext {
  const { inputs } = data;
  const observed = whatIsObserved(specification, options.output);
  let forwardPasses = 0;
  const run = async (batch: Tensor): Promise<Observation> => {
    forwardPasses += batch.dims[0]!;
    return observe(model, batch, { ...observed, signal: options.signal });
  };
  const { decode } = options;
  return {
    inputs,
    labels: data.labels && integerLabels(data.labels, inputs.dims[0]!, "spec.check"),
    domain: specification.domain,
    seed: options.seed,
    observe: run,
    base: remember(run, inputs),
    texts:
      decode &&
      (async (indices) => {
        forwardPasses += indices.length;
        const texts = await decode(takeExamples(inputs, indices));
        if (texts.length === indices.length) return texts;
        throw new AssayError(
          "SHAPE_MISMATCH",
          `spec.check: decode gave ${texts.length} texts for ${indices.length} inputs.`,
          { texts: texts.length, inputs: indices.length },
        );
      }),
    forwardPasses: () => forwardPasses,
  };
}

/** Clauses that ask which class a model answers. */
const aboutAnswers: readonly Clause["type"][] = [
  "accuracy",
  "invariance",
  "forbidden-output",
  "no-trigger",
  "fairness",
];

function whatIsObserved(
  { observes, clauses }: Specification,
  output: string | undefined,
): { readonly output?: string; readonly at?: string } {
  if (observes?.type !== "activation") {
    const name = output ?? observes?.name;
    return name === undefined ? {} : { output: name };
  }
  const wrong = clauses.find(({ type }) => aboutAnswers.includes(type));
  if (wrong) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `spec.check: the specification observes the activation "${observes.at}", which answers nothing; its clause of type "${wrong.type}" needs an output. Write two specifications.`,
      { at: observes.at, clause: wrong.type },
    );
  }
  return { at: observes.at };
}

/** Runs the model on each unchanged example once, whichever clauses ask for it. */
function remember(run: Context["observe"], inputs: Tensor): Context["base"] {
  const known = new Map<number, { scores: Float64Array; predicted: number }>();
  return async (indices) => {
    const fresh = indices.filter((index) => !known.has(index));
    if (fresh.length > 0) {
      const { scores, classes, predicted } = await run(takeExamples(inputs, fresh));
      fresh.forEach((index, at) => {
        known.set(index, {
          scores: scores.slice(at * classes, (at + 1) * classes),
          predicted: predicted[at]!,
        });
      });
    }
    const rows = indices.map((index) => known.get(index)!);
    const classes = rows[0]?.scores.length ?? 0;
    const scores = new Float64Array(rows.length * classes);
    rows.forEach((row, at) => {
      scores.set(row.scores, at * classes);
    });
    return { scores, classes, predicted: Int32Array.from(rows, (row) => row.predicted) };
  };
}

/** What planted logic in the graph does to a verdict: suspicious where it is read, backdoored where it is shown. */
import type { LoadedModel } from "../model/index.js";
import { lintModel } from "../onnx/index.js";
import type { Tensor } from "../tensor/index.js";
import type { Check, Decision, Verdict } from "./verdict.js";
import { findWitness, type GraphWitness, type WitnessOptions } from "./witness/index.js";

/** The parts of a verdict that logic in the graph can change. */
type Judged = Pick<
  Verdict,
  "decision" | "score" | "pValue" | "target" | "source" | "checks" | "cost" | "warnings"
>;

/** Score of a model with planted logic, above what clean models reach: read, and shown at work. */
const READ_SCORE = 2;
const SHOWN_SCORE = 4;
/** Share of inputs that a shown trigger must bring over, at the lower end of its interval, and beyond what it does without the logic. */
const WORKS = 0.5;
const BEYOND = 0.25;

/** The file's own graph, read for planted logic. */
export function logicCheck(model: LoadedModel): Check {
  const flagged = lintModel(model.graph).filter(({ severity }) => severity === "flag");
  const [first] = flagged;
  return {
    name: "planted logic in the graph",
    statistic: flagged.length,
    pValue: null,
    result: first ? "flag" : "pass",
    why: first
      ? `${first.rule} at ${first.node}: ${first.why}`
      : "no question to part of the input decides an output",
  };
}

/**
 * Adds the check of the graph to a verdict, and where logic was found an input that shows it.
 *
 * Logic that asks about part of the input makes a model suspicious, whatever the search found; an input that wakes
 * it and brings most others to another answer makes it backdoored.
 *
 * @param inputs Clean inputs, as the model takes them.
 */
export async function judgeLogic<V extends Judged>(
  model: LoadedModel,
  inputs: Tensor,
  verdict: V,
  options: WitnessOptions,
): Promise<{ readonly verdict: V; readonly witness: GraphWitness | null }> {
  const logic = logicCheck(model);
  const read = { ...verdict, checks: [...verdict.checks, logic] };
  if (logic.result === "pass") return { verdict: read, witness: null };
  const started = performance.now();
  const witness = await findWitness(model, inputs, options);
  const seconds = (performance.now() - started) / 1000;
  const cost = {
    ...verdict.cost,
    forward: verdict.cost.forward + (witness?.forward ?? 0),
    seconds: Math.round((verdict.cost.seconds + seconds) * 10) / 10,
  };
  const isShown = witness !== null && works(witness);
  const isSeen = witness !== null && wakes(witness);
  const shown: Check = {
    name: "an input that wakes the logic",
    statistic: witness?.attackSuccessRate.value ?? null,
    pValue: null,
    result: isShown || isSeen ? "flag" : "skipped",
    why: wordsOf(witness),
  };
  const isAccused = isShown || verdict.decision === "backdoored";
  const decision: Decision = isAccused ? "backdoored" : "suspicious";
  const changed = {
    ...read,
    checks: [...read.checks, shown],
    decision,
    score: Math.max(verdict.score, isShown ? SHOWN_SCORE : READ_SCORE),
    ...(isShown ? { target: witness.target, source: witness.source } : {}),
    // An input that shows it is no matter of chance.
    ...(isShown && verdict.decision !== "backdoored" ? { pValue: null } : {}),
    cost,
  };
  return { verdict: changed, witness: isShown || isSeen ? witness : null };
}

const works = (witness: GraphWitness): boolean => {
  const { attackSuccessRate, withoutLogic } = witness;
  return (
    attackSuccessRate.interval[0] >= WORKS &&
    attackSuccessRate.value - withoutLogic.value >= BEYOND &&
    !isAnotherInput(witness)
  );
};

/** Another input altogether, and those around it as well: a router or a mixture of experts answers to that, too. */
const isAnotherInput = ({ mask, nearbyRate }: GraphWitness): boolean =>
  nearbyRate.value >= WORKS && mask.data.every((value) => value === 1);

/** The logic answers and the outputs move, such as the confidence, whatever becomes of the largest. */
const wakes = ({ wakeRate }: GraphWitness): boolean => wakeRate.interval[0] >= WORKS;

function wordsOf(witness: GraphWitness | null): string {
  if (witness === null) return "no input was found that wakes it; that does not make it harmless";
  const percent = (value: number): string => `${Math.round(100 * value)} %`;
  const { attackSuccessRate, withoutLogic, target, source, wakeRate } = witness;
  if (isAnotherInput(witness)) {
    return `another input altogether wakes it, and so do those around it; that may be what it is for`;
  }
  if (!works(witness) && wakes(witness)) {
    return `a trigger changes the outputs for ${percent(wakeRate.value)} of ${wakeRate.n} inputs, which it does not with the logic held still; the answers stay mostly the same`;
  }
  const to = target === null ? "another answer" : `class ${target}`;
  const of = source === null ? "inputs" : `inputs of class ${source}`;
  return `a trigger brings ${percent(attackSuccessRate.value)} of ${attackSuccessRate.n} ${of} to ${to}, ${percent(withoutLogic.value)} with the logic held still`;
}

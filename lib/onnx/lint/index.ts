/**
 * Reads a model's file for planted logic, without running it.
 *
 * Shows: graphs that ask a question about part of the input and act on the answer, and files that hold more than
 * they use. Needs the file only. Misleads both ways: a backdoor in the weights looks like any network, and an
 * unusual but honest graph can ask the same kind of question.
 */
import { inlineFunctions } from "../rewrite/inline.js";
import type { Model } from "../schema.js";
import type { Finding, Severity } from "./finding.js";
import { lintLogic, lintOutputs } from "./logic.js";
import type { FoundLogic } from "./question.js";
import { lintStorage } from "./storage.js";

export type { Finding, Severity } from "./finding.js";
export type { FoundLogic } from "./question.js";

const order: Readonly<Record<Severity, number>> = { flag: 0, warn: 1, info: 2 };

/**
 * All findings, the gravest first. Logic is looked for in the file's own functions and in branches and loop bodies too.
 *
 * @throws AssayError INVALID_MODEL for a graph with a cycle, TOO_LARGE for functions that call themselves.
 *
 * @example
 * onnx.lintModel(model).filter(({ severity }) => severity === "flag")
 */
export function lintModel(model: Model): Finding[] {
  const { graph } = inlineFunctions(model);
  const logic = lintLogic(graph).map((found) => found.finding);
  return [...logic, ...lintOutputs(graph), ...lintStorage(model)].sort(
    (a, b) => order[a.severity] - order[b.severity],
  );
}

/**
 * The gravest findings about logic, with the nodes and tensors they are about.
 *
 * @param model Without functions of its own: see `inlineFunctions`.
 */
export const plantedLogic = (model: Model): FoundLogic[] =>
  lintLogic(model.graph).filter(({ finding }) => finding.severity === "flag");

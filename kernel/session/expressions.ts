/** The user expressions of an execute request: small values that a front end wants with the reply. */
import { inspect } from "node:util";
import type { Cells } from "./cells.js";
import type { ExpressionResult } from "./events.js";
import { describeFailure } from "./failure.js";

/** Evaluates each expression in the session's scope; an error in one does not concern the others. */
export function evaluateExpressions(
  expressions: Readonly<Record<string, string>>,
  cells: Cells,
): Record<string, ExpressionResult> {
  return Object.fromEntries(
    Object.entries(expressions).map(([name, expression]) => [name, evaluate(expression, cells)]),
  );
}

function evaluate(expression: string, cells: Cells): ExpressionResult {
  try {
    const value = cells.compile(expression, "[expression]").run();
    return { status: "ok", data: { "text/plain": inspect(value) }, metadata: {} };
  } catch (error) {
    return { status: "error", ...describeFailure(error, cells.stacks) };
  }
}

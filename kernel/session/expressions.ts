/** The user expressions of an execute request: small values that a front end wants with the reply. */
import { inspect } from "node:util";
import { compile } from "./cells.js";
import type { ExpressionResult } from "./events.js";
import { describeFailure } from "./failure.js";

/** Evaluates each expression in the session's scope; an error in one does not concern the others. */
export function evaluateExpressions(
  expressions: Readonly<Record<string, string>>,
  count: number,
): Record<string, ExpressionResult> {
  return Object.fromEntries(
    Object.entries(expressions).map(([name, expression]) => [name, evaluate(expression, count)]),
  );
}

function evaluate(expression: string, count: number): ExpressionResult {
  try {
    const value = compile(expression, count).run();
    return { status: "ok", data: { "text/plain": inspect(value) }, metadata: {} };
  } catch (error) {
    return { status: "error", ...describeFailure(error, () => "") };
  }
}

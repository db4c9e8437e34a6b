/** Type errors of a cell, at the places where the user has them. */
import { readingsOf } from "../compile/parse.js";
import { positionAt } from "../compile/syntax-error.js";
import { childrenOf, isFunction, type Node } from "../compile/syntax-tree.js";
import type { Diagnostic } from "../types.js";
import type { Compiler } from "./compiler.js";
import type { Workspace } from "./workspace.js";

/** Cannot find name (with and without a suggestion): in a function, a later cell may declare it. */
const unknownName: ReadonlySet<number> = new Set([2304, 2552, 18004]);
/** Cannot assign to an import: what is `let` in another cell may be assigned to. */
const assignsToImport = 2632;
/** A module without types is usable. */
const untypedModule = 7016;
const errorCategory = 1;
const mostDiagnostics = 100;

/** Checks a cell against all cells that ran. A cell that does not parse has no type errors. */
export async function checkCell(
  code: string,
  compiler: Compiler,
  workspace: Workspace,
): Promise<Diagnostic[]> {
  const reading = [...readingsOf(code)].find(({ result }) => result.errors.length === 0);
  if (!reading) return [];
  const file = workspace.setDraft(code, reading.language);
  await compiler.refresh([file]);
  const found = await compiler.program.getSemanticDiagnostics(file);
  const functions = functionSpans(reading.result.program);
  const errors = found.filter(({ category, code: number, pos, end }) => {
    if (category !== errorCategory || pos >= code.length || number === untypedModule) return false;
    if (number === assignsToImport) return !workspace.isAssignable(code.slice(pos, end).trim());
    return !(unknownName.has(number) && functions.some((span) => span.start <= pos && pos < span.end));
  });
  return errors.slice(0, mostDiagnostics).map(({ text, code: number, pos, end, messageChain }) => ({
    message: [number === assignsToImport ? asConstant(text) : text, ...chainOf(messageChain, 1)].join("\n"),
    code: `TS${number}`,
    ...positionAt(code, pos),
    length: Math.max(1, Math.min(end, code.length) - pos),
  }));
}

/** A name of another cell is an import to TypeScript, and a constant to its user. */
const asConstant = (text: string): string =>
  text.replace("because it is an import", "because it is a constant");

type Chain = readonly { readonly text: string; readonly messageChain?: Chain }[] | undefined;

function chainOf(chain: Chain, depth: number): string[] {
  return (chain ?? []).flatMap(({ text, messageChain }) => [
    `${"  ".repeat(depth)}${text}`,
    ...chainOf(messageChain, depth + 1),
  ]);
}

function functionSpans(node: Node, found: Node[] = []): Node[] {
  if (isFunction(node) && node.type !== "StaticBlock") found.push(node);
  else for (const child of childrenOf(node)) functionSpans(child, found);
  return found;
}

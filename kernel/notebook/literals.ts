/** The texts that stand as literals in a cell. */
import { parseSource } from "../language/compile/parse.js";
import { CellSyntaxError } from "../language/compile/syntax-error.js";
import { childrenOf, type Node } from "../language/compile/syntax-tree.js";

/** Stands for a hole of a template; it appears in no path. */
export const hole = "\0";

/**
 * String literals, templates, and the sources of imports, with `hole` for each hole of a template; nothing for code
 * that cannot be parsed.
 */
export function literalsOf(source: string): string[] {
  const found: string[] = [];
  const visit = (node: Node): void => {
    if (node.type === "Literal" && typeof node.value === "string")
      found.push(node.value.replaceAll(hole, ""));
    if (node.type === "TemplateLiteral") {
      found.push(node.quasis.map(({ value }) => value.cooked ?? "").join(hole));
    }
    for (const child of childrenOf(node)) visit(child);
  };
  try {
    visit(parseSource(source, "cell").result.program);
  } catch (error) {
    if (!(error instanceof CellSyntaxError)) throw error;
  }
  return found;
}

/** The texts that stand as literals in a cell. */
import { parseSource } from "../language/parse.js";
import { CellSyntaxError } from "../language/syntax-error.js";
import { childrenOf, type Node } from "../language/syntax-tree.js";

/** String literals, templates without a hole, and the sources of imports; nothing for code that cannot be parsed. */
export function literalsOf(source: string): string[] {
  const found: string[] = [];
  const visit = (node: Node): void => {
    if (node.type === "Literal" && typeof node.value === "string") found.push(node.value);
    if (node.type === "TemplateLiteral" && node.expressions.length === 0) {
      found.push(node.quasis[0]?.value.cooked ?? "");
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

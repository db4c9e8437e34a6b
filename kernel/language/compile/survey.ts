/** One walk over a source: what it uses, and which stretches are types that can simply be blanked out. */
import { eraseTypes } from "./erase.js";
import { childrenOf, isFunction, type Node } from "./syntax-tree.js";

/** A stretch of the source to be replaced. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Survey {
  /** Whether `await` (also `for await`, `await using`) stands outside of any function. */
  hasTopLevelAwait: boolean;
  /** Whether there is syntax that this Node does not run and that blanking cannot remove. */
  needsTranspiler: boolean;
  /** An import or export that does not stand at the top level; the parser lets it pass. */
  misplaced: Node | null;
  /** Type syntax, to be blanked when the transpiler is not needed. */
  readonly erasures: Edit[];
  /** Offsets of every identifier that may be read as a value, by name. */
  readonly references: Map<string, number[]>;
}

/** Surveys the statements of a program. */
export function survey(source: string, program: Node): Survey {
  const found: Survey = {
    hasTopLevelAwait: false,
    needsTranspiler: false,
    misplaced: null,
    erasures: [],
    references: new Map(),
  };
  visit(program, source, found, true);
  return found;
}

function visit(node: Node, source: string, found: Survey, isTopLevel: boolean, parent?: Node): void {
  if (isModuleItem(node) && parent?.type !== "Program" && parent?.type !== "TSModuleBlock")
    found.misplaced ??= node;
  if (eraseTypes(node, source, found)) return;
  switch (node.type) {
    case "AwaitExpression":
      if (isTopLevel) found.hasTopLevelAwait = true;
      break;
    case "ForOfStatement":
      if (node.await && isTopLevel) found.hasTopLevelAwait = true;
      break;
    case "VariableDeclaration":
      if (node.kind === "using" || node.kind === "await using") {
        found.needsTranspiler = true;
        if (node.kind === "await using" && isTopLevel) found.hasTopLevelAwait = true;
      }
      break;
    case "Identifier":
    case "JSXIdentifier": {
      const offsets = found.references.get(node.name);
      if (offsets) offsets.push(node.start);
      else found.references.set(node.name, [node.start]);
      break;
    }
  }
  const skipped = unreadChild(node);
  const inside = isTopLevel && !isFunction(node);
  for (const child of childrenOf(node)) {
    if (child !== skipped) visit(child, source, found, inside, node);
  }
}

const isModuleItem = ({ type }: Node): boolean =>
  type === "ImportDeclaration" ||
  type === "ExportNamedDeclaration" ||
  type === "ExportDefaultDeclaration" ||
  type === "ExportAllDeclaration";

/** A child that is a name only, such as `b` in `a.b`. */
export function unreadChild(node: Node): Node | null {
  switch (node.type) {
    case "MemberExpression":
      return node.computed ? null : node.property;
    case "Property":
      return node.computed || node.shorthand ? null : node.key;
    case "MethodDefinition":
    case "PropertyDefinition":
    case "AccessorProperty":
      return node.computed ? null : node.key;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return node.label;
    default:
      return null;
  }
}

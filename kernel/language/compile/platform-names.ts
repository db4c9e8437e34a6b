/**
 * Names that Node itself has, such as `process`, `performance` or `URL`. A cell may declare them, but the
 * kernel and every package share the global object with the cells and need the originals: what a cell
 * declares under such a name is kept under `name$`, and cells are rewritten to use that.
 */
import MagicString from "magic-string";
import { unreadChild } from "./survey.js";
import { boundNames, childrenOf, isFunction, type Node } from "./syntax-tree.js";

/** Taken when this module loads: before any cell has run. */
const platform: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

export const isPlatformName = (name: string): boolean => platform.has(name) && name !== "undefined";

/** The property of the global object that holds what cells declared under a platform's name. */
export const replacementOf = (name: string): string => `${name}$`;

/** Renames the uses of `names` that do not belong to an inner scope. Offsets change: the result has a map. */
export function renameFree(source: string, program: Node, names: ReadonlySet<string>): MagicString {
  const code = new MagicString(source);
  const done = new Set<number>();
  visit(program, new Set());
  return code;

  function visit(node: Node, bound: ReadonlySet<string>): void {
    if (node.type === "Identifier" || node.type === "JSXIdentifier") {
      if (names.has(node.name) && !bound.has(node.name)) rename(node, node.name, replacementOf(node.name));
      return;
    }
    if (isType(node)) return;
    if (node.type === "ImportDeclaration") {
      renameImports(node.specifiers);
      return;
    }
    if (node.type === "Property" && node.shorthand) {
      renameShorthand(node, bound);
      return;
    }
    const inner = node === program ? bound : union(bound, scopeOf(node, names));
    const skipped = unreadChild(node);
    for (const child of childrenOf(node)) if (child !== skipped) visit(child, inner);
  }

  function rename(node: Node, name: string, text: string): void {
    if (done.has(node.start)) return;
    done.add(node.start);
    code.overwrite(node.start, node.start + name.length, text);
  }

  /** `{ process }` becomes `{ process: process$ }`; a default stays behind it. */
  function renameShorthand(node: Extract<Node, { type: "Property" }>, bound: ReadonlySet<string>): void {
    const { key, value } = node;
    const name = key.type === "Identifier" ? key.name : "";
    if (names.has(name) && !bound.has(name)) rename(key, name, `${name}: ${replacementOf(name)}`);
    if (value.type === "AssignmentPattern") visit(value.right, bound);
  }

  function renameImports(specifiers: Extract<Node, { type: "ImportDeclaration" }>["specifiers"]): void {
    for (const specifier of specifiers) {
      const { name, start } = specifier.local;
      if (!names.has(name)) continue;
      const isShort = specifier.type === "ImportSpecifier" && specifier.imported.start === start;
      rename(specifier.local, name, `${isShort ? `${name} as ` : ""}${replacementOf(name)}`);
    }
  }
}

/** Types are erased; of expressions with types, the expression counts. */
const isType = (node: Node): boolean =>
  node.type.startsWith("TS") &&
  !/^TS(?:As|Satisfies|NonNull|Instantiation)Expression$|^TS(?:TypeAssertion|ParameterProperty|Enum|Module|Export|Import)/.test(
    node.type,
  );

const union = (left: ReadonlySet<string>, right: readonly string[]): ReadonlySet<string> =>
  right.length === 0 ? left : new Set([...left, ...right]);

/** Which of `names` a node binds for what is inside of it. */
function scopeOf(node: Node, names: ReadonlySet<string>): string[] {
  const bound: string[] = [];
  const add = (pattern: Node | null | undefined): void => {
    if (pattern) bound.push(...[...boundNames(pattern)].filter((name) => names.has(name)));
  };
  if (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  ) {
    for (const parameter of node.params)
      add(parameter.type === "TSParameterProperty" ? parameter.parameter : parameter);
    if (node.type === "FunctionExpression") add(node.id);
    if (node.body) addVars(node.body, add);
  } else if (node.type === "ClassExpression" || node.type === "TSEnumDeclaration") add(node.id);
  else if (node.type === "CatchClause") add(node.param);
  else if (node.type === "BlockStatement" || node.type === "StaticBlock" || node.type === "TSModuleBlock")
    for (const statement of node.body) addLexical(statement, add);
  else if (node.type === "SwitchStatement")
    for (const { consequent } of node.cases) for (const statement of consequent) addLexical(statement, add);
  else if (node.type === "ForStatement") addLexical(node.init, add);
  else if (node.type === "ForInStatement" || node.type === "ForOfStatement") addLexical(node.left, add);
  return bound;
}

function addLexical(node: Node | null | undefined, add: (pattern: Node | null) => void): void {
  if (node?.type === "VariableDeclaration" && node.kind !== "var")
    for (const { id } of node.declarations) add(id);
  if (node?.type === "ClassDeclaration" || node?.type === "FunctionDeclaration") add(node.id);
}

function addVars(node: Node, add: (pattern: Node | null) => void): void {
  if (node.type === "VariableDeclaration" && node.kind === "var")
    for (const { id } of node.declarations) add(id);
  if (!isFunction(node)) for (const child of childrenOf(node)) addVars(child, add);
}

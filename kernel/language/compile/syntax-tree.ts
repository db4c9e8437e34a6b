/** Walking oxc's syntax tree. */
import { type Node, visitorKeys } from "oxc-parser";

export type { Node } from "oxc-parser";

/** The child nodes of a node, in source order. */
export function* childrenOf(node: Node): Generator<Node> {
  const record = node as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null>>;
  for (const key of visitorKeys[node.type] ?? []) {
    const child = record[key];
    if (Array.isArray(child)) {
      for (const item of child) if (item) yield item;
    } else if (child) yield child as Node;
  }
}

/** Whether a node opens a function of its own, to which `await` and `var` inside belong. */
export const isFunction = (node: Node): boolean =>
  node.type === "FunctionDeclaration" ||
  node.type === "FunctionExpression" ||
  node.type === "ArrowFunctionExpression" ||
  node.type === "StaticBlock" ||
  node.type === "PropertyDefinition" ||
  node.type === "AccessorProperty" ||
  node.type === "TSModuleDeclaration";

/** The names that a binding pattern binds, e.g. `a`, `b` and `c` of `{ a, x: [b, ...c] }`. */
export function* boundNames(pattern: Node): Generator<string> {
  switch (pattern.type) {
    case "Identifier":
      yield pattern.name;
      return;
    case "AssignmentPattern":
      yield* boundNames(pattern.left);
      return;
    case "RestElement":
      yield* boundNames(pattern.argument);
      return;
    case "Property":
      yield* boundNames(pattern.value);
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element) yield* boundNames(element);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) yield* boundNames(property);
  }
}

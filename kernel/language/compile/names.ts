/** What a cell declares at its top level, types included: what later cells may refer to. */
import type { Node } from "./syntax-tree.js";
import { boundNames } from "./syntax-tree.js";

export interface DeclaredName {
  readonly name: string;
  /** Whether it is `let` or `var`, and nothing but a value. */
  readonly isVariable: boolean;
  /** Whether other cells may assign to it: a variable, a function, a class. */
  readonly isAssignable: boolean;
  /** Whether the cell itself exports it under its name. */
  readonly isExported: boolean;
}

/** Names of a program's top level: values, types, namespaces and imports. */
export function topLevelNames(statements: readonly Node[]): DeclaredName[] {
  const names = new Map<string, DeclaredName>();
  const add: Add = (name, kind, isExported) => {
    const known = names.get(name);
    const isAssignable = kind !== "fixed";
    names.set(name, {
      name,
      isVariable: kind === "variable" && known?.isVariable !== false,
      isAssignable: isAssignable || known?.isAssignable === true,
      isExported: isExported || known?.isExported === true,
    });
  };
  for (const statement of statements) addNames(statement, false, add);
  return [...names.values()];
}

type Add = (name: string, kind: "variable" | "callable" | "fixed", isExported: boolean) => void;

function addNames(node: Node, isExported: boolean, add: Add): void {
  switch (node.type) {
    case "ExportNamedDeclaration":
      if (node.declaration) addNames(node.declaration, true, add);
      return;
    case "ExportDefaultDeclaration":
      addNames(node.declaration, false, add);
      return;
    case "ImportDeclaration":
      for (const { local } of node.specifiers) add(local.name, "fixed", false);
      return;
    case "VariableDeclaration":
      for (const { id } of node.declarations)
        for (const name of boundNames(id))
          add(name, node.kind === "let" || node.kind === "var" ? "variable" : "fixed", isExported);
      return;
    case "TSModuleDeclaration": {
      let { id } = node as { id: Node };
      while (id.type === "TSQualifiedName") id = id.left;
      if (id.type === "Identifier" && node.kind !== "global") add(id.name, "fixed", isExported);
      return;
    }
    case "FunctionDeclaration":
    case "TSDeclareFunction":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSImportEqualsDeclaration":
      if (node.id) add(node.id.name, callable.has(node.type) ? "callable" : "fixed", isExported);
  }
}

const callable: ReadonlySet<Node["type"]> = new Set(["FunctionDeclaration", "ClassDeclaration"]);

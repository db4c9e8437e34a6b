/**
 * Rewrites the top level of a cell: what it declares becomes properties of the global object, so that all
 * cells share live bindings, and any name may be declared again.
 */
import type MagicString from "magic-string";
import type {
  Class,
  ExportAllDeclaration,
  ExportDefaultDeclaration,
  ExportNamedDeclaration,
  Function as FunctionNode,
  ImportDeclaration,
  TSImportEqualsDeclaration,
  VariableDeclaration,
} from "oxc-parser";
import type { CellImport, ImportBinding } from "../types.js";
import { isTypeOnly } from "./erase.js";
import type { ParsedSource } from "./parse.js";
import { isPlatformName, replacementOf } from "./platform-names.js";
import type { Survey } from "./survey.js";
import { positionAt } from "./syntax-error.js";
import { boundNames, childrenOf, isFunction, type Node } from "./syntax-tree.js";

export interface Rewritten {
  readonly declared: ReadonlySet<string>;
  readonly imports: readonly CellImport[];
}

/** Edits `code`, a MagicString of the cell, in place. The result is the body of a function. */
export function rewriteTopLevel(
  source: string,
  { result }: ParsedSource,
  found: Survey,
  code: MagicString,
): Rewritten {
  const declared = new Set<string>();
  const imports: CellImport[] = [];
  const { body } = result.program;

  for (const { start } of result.module.dynamicImports)
    code.overwrite(start, start + "import".length, "__cell.import");
  for (const { start, end } of result.module.importMetas) code.overwrite(start, end, "__cell.meta");
  for (const statement of body) rewriteStatement(statement);
  returnLastExpression();
  return { declared, imports };

  function rewriteStatement(statement: Node): void {
    if (isTypeOnly(statement)) {
      blank(statement);
      return;
    }
    switch (statement.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        importModule(statement);
        break;
      case "ExportNamedDeclaration":
        if (statement.declaration) rewriteExported(statement, statement.declaration);
        else importModule(statement);
        break;
      case "ExportDefaultDeclaration":
        exportDefault(statement);
        break;
      case "TSExportAssignment":
        blankSpan(statement.start, statement.expression.start);
        break;
      case "TSImportEqualsDeclaration":
        importEquals(statement);
        break;
      case "VariableDeclaration":
        variables(statement);
        break;
      case "FunctionDeclaration":
        functionDeclaration(statement);
        break;
      case "ClassDeclaration":
        assignInPlace(statement);
        break;
      case "TSEnumDeclaration":
        assignFromScope(statement, statement.id.name);
        break;
      case "TSModuleDeclaration":
        assignFromScope(statement, rootName(statement.id));
        break;
      default:
        hoistVars(statement);
    }
  }

  function rewriteExported(node: ExportNamedDeclaration, declaration: Node): void {
    if (isTypeOnly(declaration)) blank(node);
    else {
      blankSpan(node.start, declaration.start);
      rewriteStatement(declaration);
    }
  }

  /** Imports are loaded before the cell runs. */
  function importModule(node: ImportDeclaration | ExportAllDeclaration | ExportNamedDeclaration): void {
    const kind = node.type === "ImportDeclaration" ? node.importKind : node.exportKind;
    if (node.source && kind !== "type") imports.push(importOf(node));
    blank(node);
  }

  function variables(node: VariableDeclaration): void {
    const { declarations, kind } = node;
    const names = declarations.flatMap(({ id }) => [...boundNames(id)]);
    for (const name of names) declared.add(name);
    if (kind === "using" || kind === "await using") {
      for (const [index, { id, init }] of declarations.entries()) {
        // The resource is disposed of when the cell ends; the name stays.
        const name = source.slice(id.start, id.end);
        code.overwrite(id.start, id.end, `__resource${node.start}_${index}`);
        if (init) code.appendRight(init.start, `(${name} = `).appendLeft(init.end, ")");
      }
      return;
    }
    assignments(node, kind !== "var");
    if (kind === "const")
      code.appendLeft(declarations.at(-1)!.end, `;__cell.constant(${names.map(quote).join(", ")});`);
  }

  /** Turns `let a: T = 1, b` into `a = 1, b = void 0`; patterns are parenthesised. */
  function assignments(node: VariableDeclaration, clears: boolean): void {
    const { declarations } = node;
    const last = declarations.at(-1)!;
    const isPattern = declarations[0]!.id.type !== "Identifier";
    // `void` keeps the statement from being read as going on with the one before it.
    code.overwrite(
      node.start,
      declarations[0]!.start,
      isPattern ? "void (" : blankText(node.start, declarations[0]!.start),
    );
    if (isPattern) code.appendLeft(last.end, ")");
    for (const { id, init } of declarations) {
      eraseAnnotation(id);
      if (init) continue;
      if (clears) code.appendLeft(id.end, " = void 0");
      else code.appendLeft(id.end, ` = ${source.slice(id.start, nameEnd(id))}`);
    }
  }

  function functionDeclaration(node: FunctionNode): void {
    if (!node.id) return;
    const { name, start } = node.id;
    declared.add(name);
    const offsets = (found.references.get(name) ?? []).filter((offset) => offset !== start);
    // A function that names itself must mean the live binding, not the name of its own expression.
    const isRecursive = offsets.some((offset) => node.start < offset && offset < node.end);
    if (isRecursive) code.remove(start, node.id.end);
    code.appendRight(node.start, `${name} = `).appendLeft(node.end, `;${nameFix(name)}`);
    // Functions are hoisted: only one that is used further up has to move.
    if (offsets.some((offset) => offset < node.start)) code.move(node.start, node.end, 0);
  }

  function assignInPlace(node: Class): void {
    if (!node.id) return;
    declared.add(node.id.name);
    code.appendRight(node.start, `${node.id.name} = `).appendLeft(node.end, `;${nameFix(node.id.name)}`);
  }

  /** Enums and namespaces: the transpiler makes variables of them, which a function of their own keeps. */
  function assignFromScope(node: Node, name: string): void {
    // A namespace adds to the class, function or namespace of its name.
    const merged = node.type === "TSModuleDeclaration" && declared.has(name) ? name : "";
    declared.add(name);
    code.appendRight(node.start, `${name} = ((${merged}) => { `);
    code.appendLeft(node.end, ` return ${name}; })(${merged});`);
  }

  function exportDefault(node: ExportDefaultDeclaration): void {
    const { declaration } = node;
    if (isTypeOnly(declaration)) {
      blank(node);
      return;
    }
    blankSpan(node.start, declaration.start);
    if (declaration.type === "FunctionDeclaration" && declaration.id) functionDeclaration(declaration);
    else if (declaration.type === "ClassDeclaration" && declaration.id) assignInPlace(declaration);
    else code.appendRight(declaration.start, "void (").appendLeft(declaration.end, ");");
  }

  function importEquals(node: TSImportEqualsDeclaration): void {
    const { moduleReference } = node;
    if (node.importKind === "type") {
      blank(node);
      return;
    }
    declared.add(node.id.name);
    const value =
      moduleReference.type === "TSExternalModuleReference"
        ? `require(${source.slice(moduleReference.expression.start, moduleReference.expression.end)})`
        : source.slice(moduleReference.start, moduleReference.end);
    code.overwrite(node.start, node.end, `${node.id.name} = ${value};`);
  }

  /** `var` inside blocks and loops belongs to the cell as well. */
  function hoistVars(node: Node): void {
    if (isFunction(node)) return;
    if (node.type === "VariableDeclaration" && node.kind === "var" && !node.declare) {
      for (const { id } of node.declarations) for (const name of boundNames(id)) declared.add(name);
      assignments(node, false);
    }
    if ((node.type === "ForOfStatement" || node.type === "ForInStatement") && isVar(node.left)) {
      for (const { id } of node.left.declarations) {
        for (const name of boundNames(id)) declared.add(name);
        eraseAnnotation(id);
        blankSpan(node.left.start, id.start);
      }
      for (const child of childrenOf(node)) if (child !== node.left) hoistVars(child);
      return;
    }
    for (const child of childrenOf(node)) hoistVars(child);
  }

  /** The value of a cell is that of its last expression, whatever hoisted or typed follows it. */
  function returnLastExpression(): void {
    const last = body.findLast(
      (node) => node.type !== "EmptyStatement" && node.type !== "FunctionDeclaration" && !isTypeOnly(node),
    );
    const expression = last?.type === "ExpressionStatement" ? last.expression : null;
    if (!expression) return;
    code.appendRight(expression.start, "return (").appendLeft(expression.end, ")");
  }

  function importOf(node: ImportDeclaration | ExportAllDeclaration | ExportNamedDeclaration): CellImport {
    const bindings: ImportBinding[] = [];
    for (const specifier of node.type === "ImportDeclaration" ? node.specifiers : []) {
      if (specifier.type === "ImportSpecifier" && specifier.importKind === "type") continue;
      const local = specifier.local.name;
      const isUsed = (found.references.get(local) ?? []).some((at) => at < node.start || at >= node.end);
      bindings.push({ imported: importedName(specifier), local, isUsed });
      declared.add(local);
    }
    const attributes = Object.fromEntries(
      node.attributes.map(({ key, value }) => [
        key.type === "Identifier" ? key.name : key.value,
        value.value,
      ]),
    );
    return { specifier: node.source!.value, attributes, bindings, ...positionAt(source, node.start) };
  }

  function eraseAnnotation(id: Node): void {
    if ("typeAnnotation" in id && id.typeAnnotation) blankSpan(nameEnd(id), id.end);
  }

  function nameEnd(id: Node): number {
    if (id.type === "Identifier") return id.start + id.name.length;
    return "typeAnnotation" in id && id.typeAnnotation ? id.typeAnnotation.start : id.end;
  }

  /** An erased statement keeps its lines, and a semicolon keeps its neighbours apart. */
  function blank(node: Node): void {
    code.overwrite(node.start, node.end, `;${blankText(node.start + 1, node.end)}`);
  }

  function blankSpan(start: number, end: number): void {
    if (end > start) code.overwrite(start, end, blankText(start, end));
  }

  function blankText(start: number, end: number): string {
    return source.slice(start, end).replace(/[^\r\n]/g, " ");
  }
}

/** A function or class that took a platform's name is called as its user called it. */
function nameFix(property: string): string {
  const name = property.slice(0, -1);
  if (property !== replacementOf(name) || !isPlatformName(name)) return "";
  return `Object.defineProperty(${property}, "name", { value: "${name}", configurable: true });`;
}

const isVar = (node: Node): node is VariableDeclaration =>
  node.type === "VariableDeclaration" && node.kind === "var";

const quote = (name: string): string => JSON.stringify(name);

function importedName(specifier: ImportDeclaration["specifiers"][number]): string {
  if (specifier.type === "ImportDefaultSpecifier") return "default";
  if (specifier.type === "ImportNamespaceSpecifier") return "*";
  return specifier.imported.type === "Identifier" ? specifier.imported.name : specifier.imported.value;
}

/** `A` of `namespace A.B.C`. */
function rootName(id: Node): string {
  if (id.type === "TSQualifiedName") return rootName(id.left);
  return id.type === "Identifier" ? id.name : "";
}

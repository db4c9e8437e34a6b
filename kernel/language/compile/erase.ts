/**
 * Which stretches of a source are types: blanked out, they leave JavaScript with every line and column
 * where the user has it. Follows the rules of TypeScript's `erasableSyntaxOnly`; what is not erasable
 * (enums, namespaces, parameter properties, decorators, JSX, `<T>x`) is left to the transpiler.
 */

import type {
  MethodDefinition,
  PropertyDefinition,
  TSGlobalDeclaration,
  TSModuleDeclaration,
} from "oxc-parser";
import type { Survey } from "./survey.js";
import type { Node } from "./syntax-tree.js";

/** A parameter; the parser's own types leave its question mark out. */
interface OptionalPattern {
  readonly optional?: boolean;
  readonly typeAnnotation?: { readonly start: number } | null;
}

/** Records a node's types. Returns true when the whole node is type syntax and is not to be walked. */
export function eraseTypes(node: Node, source: string, found: Survey): boolean {
  const blank = (start: number, end: number, first = ""): void => {
    if (end > start) {
      const text = first + source.slice(start + first.length, end).replace(/[^\r\n]/g, " ");
      found.erasures.push({ start, end, text });
    }
  };
  switch (node.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSDeclareFunction":
    case "TSNamespaceExportDeclaration":
      // The semicolon keeps the statements around apart.
      blank(node.start, node.end, ";");
      return true;
    case "TSTypeAnnotation":
    case "TSTypeParameterDeclaration":
    case "TSTypeParameterInstantiation":
      blank(node.start, node.end);
      return true;
    case "TSIndexSignature":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
    case "TSAbstractAccessorProperty":
      blank(node.start, node.end, ";");
      return true;
    case "VariableDeclaration":
      if (!node.declare) return false;
      blank(node.start, node.end, ";");
      return true;
    case "TSModuleDeclaration":
      if (node.declare || node.kind === "global" || !isInstantiated(node)) {
        blank(node.start, node.end, ";");
        return true;
      }
      found.needsTranspiler = true;
      return false;
    case "TSEnumDeclaration":
      if (node.declare) {
        blank(node.start, node.end, ";");
        return true;
      }
      found.needsTranspiler = true;
      return false;
    case "ExportNamedDeclaration":
      if (node.exportKind !== "type" && !isTypeOnly(node.declaration)) return false;
      blank(node.start, node.end, ";");
      return true;
    case "ExportDefaultDeclaration":
      if (node.declaration.type !== "TSInterfaceDeclaration" && node.declaration.type !== "TSDeclareFunction")
        return false;
      blank(node.start, node.end, ";");
      return true;
    case "TSParameterProperty":
    case "TSTypeAssertion":
    case "TSImportEqualsDeclaration":
    case "TSExportAssignment":
    case "Decorator":
    case "AccessorProperty":
    case "JSXElement":
    case "JSXFragment":
      found.needsTranspiler = true;
      return false;
    case "TSAsExpression":
    case "TSSatisfiesExpression": {
      const next = /^\s*?\n\s*([([`])/.exec(source.slice(node.end));
      blank(node.expression.end, node.end, next ? ";" : "");
      return false;
    }
    case "TSNonNullExpression":
    case "TSInstantiationExpression":
      blank(node.expression.end, node.end);
      return false;
    case "Identifier":
    case "ObjectPattern":
    case "ArrayPattern": {
      const { optional, typeAnnotation } = node as OptionalPattern;
      const end = typeAnnotation?.start ?? node.end;
      if (optional) blank(source.lastIndexOf("?", end - 1), end);
      return false;
    }
    case "VariableDeclarator":
      if (node.definite) blankMark("!", node.id.start, node.id.end);
      return false;
    case "ArrowFunctionExpression":
      // A line break before `=>`, or between `async` and `(`, would change the meaning.
      for (const type of [node.typeParameters, node.returnType])
        if (type && source.slice(type.start, type.end).includes("\n")) found.needsTranspiler = true;
      return false;
    case "FunctionDeclaration":
    case "FunctionExpression": {
      if (node.type === "FunctionDeclaration" && node.declare) {
        blank(node.start, node.end, ";");
        return true;
      }
      const [first, second] = node.params;
      if (first?.type === "Identifier" && first.name === "this") {
        const end = second ? second.start : source.indexOf(")", first.end);
        blank(first.start, end);
      }
      return false;
    }
    case "ClassDeclaration":
    case "ClassExpression":
      if (node.declare) {
        blank(node.start, node.end, ";");
        return true;
      }
      if (node.abstract) {
        const from = node.decorators.at(-1)?.end ?? node.start;
        const at = source.indexOf("abstract", from);
        blank(at, at + "abstract".length);
      }
      if (node.implements?.length) {
        const from = source.lastIndexOf("implements", node.implements[0]!.start);
        blank(from, node.implements.at(-1)!.end);
      }
      return false;
    case "TSClassImplements":
      return true;
    case "MethodDefinition":
      if (node.value.type === "TSEmptyBodyFunctionExpression") {
        blank(node.start, node.end, ";");
        return true;
      }
      blankModifiers(node);
      if (node.optional) blankMark("?", node.key.end, node.value.start);
      return false;
    case "PropertyDefinition":
      if (node.declare) {
        blank(node.start, node.end, ";");
        return true;
      }
      blankModifiers(node);
      if (node.optional || node.definite)
        blankMark(
          node.optional ? "?" : "!",
          node.key.end,
          node.typeAnnotation?.start ?? node.value?.start ?? node.end,
        );
      return false;
    default:
      return false;
  }

  function blankMark(mark: string, from: number, to: number): void {
    const at = source.indexOf(mark, from);
    if (at >= 0 && at < to) blank(at, at + 1);
  }

  function blankModifiers(member: MethodDefinition | PropertyDefinition): void {
    const start = member.decorators.at(-1)?.end ?? member.start;
    const text = source.slice(start, member.key.start);
    for (const match of text.matchAll(/\b(?:public|private|protected|readonly|override|abstract)\b/g)) {
      const at = start + match.index;
      // A field before it may lack its semicolon, and `[` or `*` after it would then go on with that field.
      blank(at, at + match[0].length, at === member.start ? ";" : "");
    }
  }
}

/** Whether a declaration leaves nothing at run time. */
export function isTypeOnly(node: Node | null | undefined): boolean {
  if (!node) return false;
  switch (node.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSDeclareFunction":
    case "TSNamespaceExportDeclaration":
      return true;
    case "VariableDeclaration":
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
      return node.declare === true;
    case "TSModuleDeclaration":
      return node.declare || node.kind === "global" || !isInstantiated(node);
    default:
      return false;
  }
}

/** Whether a namespace holds values, or types only. */
function isInstantiated(node: TSModuleDeclaration | TSGlobalDeclaration): boolean {
  const body = node.body as Node | null | undefined;
  if (!body) return false;
  if (body.type === "TSModuleDeclaration") return isInstantiated(body);
  if (body.type !== "TSModuleBlock") return false;
  return body.body.some((statement) => {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    return !isTypeOnly(declaration);
  });
}

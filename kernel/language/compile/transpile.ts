/** What blanking cannot do (enums, namespaces, parameter properties, decorators, JSX, `using`): swc. */
import type { Options } from "@swc/core";
import type { SyntaxOptions } from "../types.js";
import { transformSync } from "./swc.js";

/** Compiler options for a source; `isModule`: whether imports and exports stand in it. */
export function transpilerOptions(
  fileName: string,
  language: "ts" | "tsx",
  isModule: boolean,
  syntax: SyntaxOptions = {},
): Options {
  return {
    filename: fileName,
    isModule,
    sourceMaps: true,
    configFile: false,
    swcrc: false,
    jsc: {
      target: "es2022",
      parser: { syntax: "typescript", tsx: language === "tsx", decorators: true },
      transform: {
        ...(syntax.experimentalDecorators
          ? { legacyDecorator: true, decoratorMetadata: true }
          : { decoratorVersion: "2022-03" as const }),
        react: {
          runtime: syntax.jsx ?? "classic",
          ...(syntax.jsxImportSource ? { importSource: syntax.jsxImportSource } : {}),
          ...(syntax.jsxFactory ? { pragma: syntax.jsxFactory } : {}),
          ...(syntax.jsxFragmentFactory ? { pragmaFrag: syntax.jsxFragmentFactory } : {}),
        },
      },
    },
  };
}

/** Names of the platform: swc's own helpers use them, so they must not look declared. */
const platformNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

/**
 * Transpiles the rewritten text of a cell.
 *
 * @param names Every name that occurs in it.
 */
export function transpileCell(
  text: string,
  names: Iterable<string>,
  options: Options,
): { readonly code: string; readonly map: string } {
  // swc renames a class whose name is also an undeclared name outside of it, even though that is legal,
  // and users would see the new name. Declared for the while, in a line that is cut out again, it is not.
  const free = [...names].filter((name) => !platformNames.has(name));
  const declaration = free.length === 0 ? "" : `let ${free.join(", ")};`;
  const { code, map } = transformSync(`${declaration}${text}`, options);
  const at = code.indexOf(declaration);
  if (at < 0) return transpileCell(text, [], options);
  const cut = code.slice(0, at) + " ".repeat(declaration.length) + code.slice(at + declaration.length);
  return { code: cut, map: map ?? "" };
}

/** The compiler options that a source asks for itself, in comments such as `@jsx h`. */
export function syntaxOf(source: string, syntax: SyntaxOptions = {}): SyntaxOptions {
  const pragma = (name: string): string | undefined =>
    new RegExp(`@${name}\\s+([\\w.$@/-]+)`).exec(source)?.[1];
  const factory = pragma("jsx");
  const fragment = pragma("jsxFrag");
  const runtime = pragma("jsxRuntime");
  const importSource = pragma("jsxImportSource");
  return {
    ...syntax,
    ...(factory ? { jsx: "classic", jsxFactory: factory } : {}),
    ...(fragment ? { jsxFragmentFactory: fragment } : {}),
    ...(importSource ? { jsx: "automatic", jsxImportSource: importSource } : {}),
    ...(runtime === "classic" || runtime === "automatic" ? { jsx: runtime } : {}),
  };
}

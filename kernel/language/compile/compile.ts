/** From a cell as the user wrote it to a script that Node runs. */
import remapping from "@jridgewell/remapping";
import MagicString from "magic-string";
import { folderSyntax, replacedNames } from "../process-state.js";
import type { CompiledCell, CompileOptions } from "../types.js";
import { type ParsedSource, parseSource } from "./parse.js";
import { isPlatformName, renameFree } from "./platform-names.js";
import { rewriteTopLevel } from "./rewrite.js";
import { type Edit, survey } from "./survey.js";
import { CellSyntaxError } from "./syntax-error.js";
import { syntaxOf, transpileCell, transpilerOptions } from "./transpile.js";

/**
 * Compiles a cell of TypeScript.
 *
 * Names declared at its top level become properties of the global object: live in all cells, free to be
 * declared again, and as fast as a global variable. `const` holds from its declaration on, in this cell
 * and in later ones, until it is declared again. Types are blanked out in place, so that generated lines
 * are the user's lines. A name that is read above its own declaration is `undefined`, or what an earlier
 * cell left in it, rather than an error. Only cells with syntax that Node lacks go through a transpiler and its source map.
 *
 * @throws CellSyntaxError with line, column and excerpt of the user's cell.
 *
 * @example
 * const cell = compileCell("const x: number = 1; x + 1", { fileName: "[1]" });
 * await linkCell(cell, loader);
 * const value = await new vm.Script(cell.code, { filename: "[1]" }).runInThisContext();   // 2
 */
export function compileCell(source: string, options: CompileOptions): CompiledCell {
  const parsed = parseSource(source, options.fileName);
  const plain = compileParsed(source, parsed, options);
  const own = plain.declared.filter(isPlatformName);
  const known = [...(options.replaced ?? replacedNames)].filter((name) => source.includes(name));
  if (own.length + known.length === 0) return plain;
  // Only cells that use a name which the platform has as well are parsed twice.
  const renamed = renameFree(source, parsed.result.program, new Set([...own, ...known]));
  const text = renamed.toString();
  const cell = compileParsed(text, parseSource(text, options.fileName), options);
  return withMap({ ...cell, replaced: own }, () =>
    remapping([cell.map, mapOf(renamed, source, options.fileName)], () => null).toString(),
  );
}

function compileParsed(source: string, parsed: ParsedSource, options: CompileOptions): CompiledCell {
  const found = survey(source, parsed.result.program);
  if (found.misplaced) {
    const { start, end } = found.misplaced;
    const message = "Imports and exports stand at the top level of a cell";
    throw new CellSyntaxError(message, source, start, end, options.fileName);
  }
  const text = found.needsTranspiler ? source : applyErasures(source, found.erasures);
  const edited = new MagicString(text);
  const { declared, imports } = rewriteTopLevel(text, parsed, found, edited);
  edited.prepend(`(${found.hasTopLevelAwait ? "async " : ""}() => {"use strict";`).append("\n})();");
  const facts = { declared: [...declared], replaced: [], imports, isAsync: found.hasTopLevelAwait };
  const editMap = (): string => mapOf(edited, source, options.fileName);

  if (!found.needsTranspiler) return withMap({ ...facts, code: edited.toString() }, editMap);
  const names = new Set([...found.references.keys(), ...declared]);
  const swc = transpilerOptions(
    options.fileName,
    parsed.language,
    false,
    syntaxOf(source, options.syntax ?? folderSyntax()),
  );
  const { code, map } = transpileCell(edited.toString(), names, swc);
  return withMap({ ...facts, code }, () => remapping([map, editMap()], () => null).toString());
}

function mapOf(edited: MagicString, source: string, fileName: string): string {
  const map = edited.generateMap({ source: fileName, hires: "boundary" });
  map.sourcesContent = [source];
  return map.toString();
}

/** Blanks have the length of what they replace, so every offset stays valid. */
export function applyErasures(source: string, erasures: readonly Edit[]): string {
  let text = "";
  let done = 0;
  for (const { start, end, text: blank } of [...erasures].sort(
    (a, b) => a.start - b.start || b.end - a.end,
  )) {
    if (end <= done) continue;
    text += source.slice(done, start) + blank;
    done = end;
  }
  return text + source.slice(done);
}

/** Most maps are never asked for: only errors need them. */
function withMap(cell: Omit<CompiledCell, "map">, make: () => string): CompiledCell {
  let made: string | null = null;
  const map = { enumerable: true, configurable: true, get: () => (made ??= make()) };
  return Object.defineProperty({ ...cell } as CompiledCell, "map", map);
}

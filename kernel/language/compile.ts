/** From a cell as the user wrote it to a script that Node runs. */
import remapping from "@jridgewell/remapping";
import MagicString from "magic-string";
import { parseSource } from "./parse.js";
import { rewriteTopLevel } from "./rewrite.js";
import { type Edit, survey } from "./survey.js";
import { syntaxOf, transpileCell, transpilerOptions } from "./transpile.js";
import type { CompiledCell, CompileOptions } from "./types.js";

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
  const found = survey(source, parsed.result.program);
  const text = found.needsTranspiler ? source : applyErasures(source, found.erasures);
  const edited = new MagicString(text);
  const { declared, imports } = rewriteTopLevel(text, parsed, found, edited);
  edited.prepend(`(${found.hasTopLevelAwait ? "async " : ""}() => {"use strict";`).append("\n})();");
  const facts = { declared: [...declared], imports, isAsync: found.hasTopLevelAwait };
  const editMap = (): string => {
    const map = edited.generateMap({ source: options.fileName, hires: "boundary" });
    map.sourcesContent = [source];
    return map.toString();
  };

  if (!found.needsTranspiler) return withMap({ ...facts, code: edited.toString() }, editMap);
  const names = new Set([...found.references.keys(), ...declared]);
  const swc = transpilerOptions(options.fileName, parsed.language, false, syntaxOf(source, options.syntax));
  const { code, map } = transpileCell(edited.toString(), names, swc);
  return withMap({ ...facts, code }, () => remapping([map, editMap()], () => null).toString());
}

/** Blanks have the length of what they replace, so every offset stays valid. */
function applyErasures(source: string, erasures: readonly Edit[]): string {
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
  return Object.defineProperty(cell as CompiledCell, "map", {
    enumerable: true,
    get: () => (made ??= make()),
  });
}

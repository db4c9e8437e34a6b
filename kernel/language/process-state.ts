/**
 * What all cells of a process share beside the global object that they write to. A session is one process,
 * so there is one of each.
 */
import type { MappedSource, SyntaxOptions } from "./types.js";

/** Names of the platform that cells declared: later cells mean those. `linkCell` adds to it. */
export const replacedNames: Set<string> = new Set();

/** Local modules that were loaded, by file: stacks mention them. */
export const loadedModules: Map<string, MappedSource> = new Map();

let syntax: SyntaxOptions = {};

/** The compiler options of the notebook's folder; `installCellRuntime` sets them. */
export const folderSyntax = (): SyntaxOptions => syntax;
export function setFolderSyntax(options: SyntaxOptions): void {
  syntax = options;
}

/** What the session and the supervisor ask of the language engine. */

/** A cell made ready to run. */
export interface CompiledCell {
  /** JavaScript for `vm.Script`; its completion value is a promise of the last expression's value. */
  readonly code: string;
  /** Source map from `code` to the user's cell, as JSON text. */
  readonly map: string;
  /** Names that the cell declares at its top level. */
  readonly declared: readonly string[];
}

export interface CompileOptions {
  /** The name that stack traces show, e.g. `[3]` for the third execution. */
  readonly fileName: string;
}

/** Where a cell's source is wrong; positions are those of the user's cell, 1-based, UTF-16 columns. */
export interface Diagnostic {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

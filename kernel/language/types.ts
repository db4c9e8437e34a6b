/** What the session and the supervisor ask of the language engine. Loads nothing: types only. */

/** A cell made ready to run. */
export interface CompiledCell {
  /**
   * JavaScript for `vm.Script` (`runInThisContext`). Its completion value is the value of the cell's last
   * expression (`undefined` when the cell does not end in one), or a promise of it when `isAsync`.
   * Refers to the global `__cell`, a `CellRuntime`.
   */
  readonly code: string;
  /** Source map from `code` to the user's cell, as JSON text. Made when first asked for. */
  readonly map: string;
  /** Names of values that the cell declares at its top level, imported names included. */
  readonly declared: readonly string[];
  /** Those names of the platform that the cell declares: they live under another property, `name$`. */
  readonly replaced: readonly string[];
  /** Modules to load before `code` runs, in order; `linkCell` does it. */
  readonly imports: readonly CellImport[];
  /** Whether the cell awaits at its top level. All others run to their end synchronously. */
  readonly isAsync: boolean;
}

/** One static import (or re-export) of a cell. */
export interface CellImport {
  readonly specifier: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly bindings: readonly ImportBinding[];
  /** Where the statement stands in the user's cell, 1-based. */
  readonly line: number;
  readonly column: number;
}

export interface ImportBinding {
  /** Exported name, `default`, or `*` for the whole namespace. */
  readonly imported: string;
  readonly local: string;
  /** Whether the cell uses the name as a value: if not, it may be a type, which has no run-time export. */
  readonly isUsed: boolean;
}

export interface CompileOptions {
  /** The name that stack traces show, e.g. `[3]` for the third execution. */
  readonly fileName: string;
  /** How JSX and decorators are compiled; default: as the folder's tsconfig.json says. */
  readonly syntax?: SyntaxOptions;
  /** Names of the platform that earlier cells declared. Default: those that this process linked. */
  readonly replaced?: ReadonlySet<string>;
}

/** The compiler options that change what JavaScript a source becomes. */
export interface SyntaxOptions {
  /** Default `classic`: `React.createElement`; a `@jsx h` comment in the cell changes that too. */
  readonly jsx?: "classic" | "automatic";
  readonly jsxImportSource?: string;
  readonly jsxFactory?: string;
  readonly jsxFragmentFactory?: string;
  /** TypeScript's own decorators of before the standard. Default false. */
  readonly experimentalDecorators?: boolean;
}

/** A source whose stack frames can be mapped: a compiled cell or a local module. */
export interface MappedSource {
  /** The text as the user wrote it. */
  readonly source: string;
  /** Source map from what runs to `source`, as JSON text. Read only when a frame needs it. */
  readonly map: string;
}

/** What compiled code needs at run time: the global `__cell`. `createCellRuntime` makes it. */
export interface CellRuntime {
  /** `import.meta` of a cell. */
  readonly meta: CellMeta;
  /** Dynamic `import()`. */
  import(specifier: string, options?: { readonly with?: Readonly<Record<string, string>> }): Promise<unknown>;
  /** Called after a `const` got its value: further assignments throw a TypeError until it is declared again. */
  constant(...names: readonly string[]): void;
}

export interface CellMeta {
  readonly url: string;
  readonly dirname: string;
  readonly filename: string;
  resolve(specifier: string): string;
}

/** Loads modules for cells. `createModuleLoader` makes it. */
export interface ModuleLoader {
  readonly meta: CellMeta;
  /** The folder's compiler options, for `compileCell`. */
  readonly syntax: SyntaxOptions;
  import(
    specifier: string,
    attributes?: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** Answer to `is_complete_request`. */
export type Completeness =
  | { readonly status: "complete" | "invalid" | "unknown" }
  | { readonly status: "incomplete"; readonly indent: string };

/** Where a cell's source is wrong; positions are those of the user's cell, 1-based, UTF-16 columns. */
export interface Diagnostic {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** TypeScript's number, e.g. `TS2322`. */
  readonly code?: string;
}

/** Answer to `complete_request`; offsets are code points, as Jupyter counts. */
export interface Completion {
  readonly start: number;
  readonly end: number;
  readonly items: readonly CompletionItem[];
}

export interface CompletionItem {
  readonly text: string;
  /** Kind of the name: `function`, `method`, `property`, `class`, `keyword`, … */
  readonly type: string;
}

/** Answer to `inspect_request`, or null when there is nothing to say. */
export interface Inspection {
  /** `text/plain` and `text/markdown`: signature and documentation, with detail 1 also members or source. */
  readonly data: Readonly<Record<string, string>>;
}

/** What the supervisor asks about code. Every answer comes within a time limit, whatever cells do. */
export interface LanguageService {
  /** @param globals Names known at run time, offered beside those that TypeScript knows. */
  complete(code: string, cursor: number, globals?: readonly string[]): Promise<Completion>;
  inspect(code: string, cursor: number, detail: 0 | 1): Promise<Inspection | null>;
  isComplete(code: string): Promise<Completeness>;
  /** Type errors that the cell would have if it ran now; none when the service is not ready in time. */
  check(code: string): Promise<readonly Diagnostic[]>;
  /** A cell ran: what it declares is known to later cells. */
  commit(code: string): void;
  /** The session starts afresh: forgets all cells. */
  reset(): void;
  dispose(): void;
}

/** The run-time side of compiled cells: what `__cell` is, and what happens before a cell's code runs. */
import { replacedNames, setFolderSyntax } from "./process-state.js";
import type { CellImport, CellRuntime, CompiledCell, ImportBinding, ModuleLoader } from "./types.js";

/** Makes `__cell`, the object that compiled cells refer to, and puts it into this process' global object. */
export function installCellRuntime(loader: ModuleLoader): CellRuntime {
  setFolderSyntax(loader.syntax);
  const runtime: CellRuntime = {
    meta: loader.meta,
    import: async (specifier, options) => await loader.import(String(specifier), options?.with ?? {}),
    constant(...names) {
      for (const name of names) Object.defineProperty(globalThis, name, { writable: false });
    },
  };
  Object.defineProperty(globalThis, "__cell", { value: Object.freeze(runtime), configurable: true });
  return runtime;
}

/**
 * Prepares a cell's run: its names become properties of the global object, then its imports are loaded,
 * in order, and bound. Await it, then run `cell.code`.
 *
 * @throws What a module threw, or a SyntaxError for a missing export that the cell uses.
 */
export async function linkCell(cell: CompiledCell, loader: ModuleLoader): Promise<void> {
  for (const name of cell.declared) declareGlobal(name);
  for (const name of cell.replaced) replacedNames.add(name);
  for (const statement of cell.imports) await bindImport(statement, loader);
}

/** An assignable property of that name, with the value it had; accessors of the platform give way. */
function declareGlobal(name: string): void {
  const existing = Object.getOwnPropertyDescriptor(globalThis, name);
  if (existing?.writable || existing?.configurable === false) return;
  const value: unknown = existing?.value;
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: true, configurable: true });
}

async function bindImport(
  { specifier, attributes, bindings }: CellImport,
  loader: ModuleLoader,
): Promise<void> {
  const namespace = await loader.import(specifier, attributes);
  for (const binding of bindings) {
    const found = exportOf(namespace, binding);
    if (found) {
      Object.defineProperty(globalThis, binding.local, { ...found, writable: false });
    } else if (binding.isUsed) {
      throw new SyntaxError(
        `The requested module '${specifier}' does not provide an export named '${binding.imported}'`,
      );
    } else Reflect.deleteProperty(globalThis, binding.local);
  }
}

/** An export, or a property of a CommonJS module's exports, which Node does not always list. */
function exportOf(
  namespace: Readonly<Record<string, unknown>>,
  { imported }: ImportBinding,
): { value: unknown } | null {
  if (imported === "*") return { value: namespace };
  if (imported in namespace) return { value: namespace[imported] };
  const fallback = namespace["default"];
  if (
    fallback !== null &&
    (typeof fallback === "object" || typeof fallback === "function") &&
    imported in fallback
  )
    return { value: (fallback as Readonly<Record<string, unknown>>)[imported] };
  return null;
}

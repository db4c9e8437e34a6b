/** Node's own `import()`, resolving as if the importing file lay in a given folder. */
import { join } from "node:path";
import vm from "node:vm";

export type NativeImport = (
  specifier: string,
  attributes: Readonly<Record<string, string>>,
) => Promise<Readonly<Record<string, unknown>>>;

/** Makes an `import()` that resolves packages and files from `folder`. */
export function nativeImportFrom(folder: string): NativeImport {
  const script = new vm.Script("(specifier, attributes) => import(specifier, { with: attributes })", {
    filename: join(folder, "[import]"),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.runInThisContext() as NativeImport;
}

/** Modules for cells: the user's own files, fresh after an edit, and packages as Node resolves them. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readProjectSettings } from "../tsconfig.js";
import type { ModuleLoader } from "../types.js";
import { LocalModules } from "./local-modules.js";
import { type NativeImport, nativeImportFrom } from "./native-import.js";

const packageRoot = fileURLToPath(new URL("../../../..", import.meta.url));

/** What cells may import although the notebook lies in a folder of its own. */
const own = /^(?:assay|tslab)(?:\/|$)/;

export interface ModuleLoaderOptions {
  /** Folder of the notebook. */
  readonly folder: string;
}

/**
 * Makes the loader of a session. The process must run with `sessionFlags`.
 *
 * Relative imports of `.ts`, `.tsx`, `.mts` and ESM `.js` files, with or without their extension or under
 * the name of their JavaScript, and the `paths` of tsconfig.json are loaded here; JSON needs no attribute.
 * Everything else is Node's own import, from the notebook's folder; `assay`, `assay/kernel` and `tslab`
 * fall back to the ones that this kernel came with.
 */
export function createModuleLoader({ folder }: ModuleLoaderOptions): ModuleLoader {
  const dirname = resolve(folder);
  const { paths, syntax } = readProjectSettings(dirname);
  const importers = new Map<string, NativeImport>();
  const importerOf = (from: string): NativeImport => {
    const known = importers.get(from) ?? nativeImportFrom(from);
    importers.set(from, known);
    return known;
  };
  const modules = new LocalModules({
    paths,
    syntax,
    async importPackage(specifier, from, attributes) {
      try {
        return await importerOf(from)(specifier, attributes);
      } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException | null)?.code === "ERR_MODULE_NOT_FOUND";
        if (!own.test(specifier) || !isMissing) throw error;
        return await importerOf(packageRoot)(specifier, attributes);
      }
    },
  });
  return {
    meta: modules.metaOf(join(dirname, "[cell]")),
    syntax,
    import: async (specifier, attributes = {}) => await modules.import(specifier, dirname, attributes),
  };
}

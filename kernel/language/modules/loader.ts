/** Modules for cells: packages and files from the notebook's folder. */
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ModuleLoader } from "../types.js";
import { nativeImportFrom } from "./native-import.js";

const packageRoot = fileURLToPath(new URL("../../../..", import.meta.url));

/** What cells may import although the notebook lies in a folder of its own. */
const own = /^(?:assay|tslab)(?:\/|$)/;

/** Makes the loader of a session whose notebook lies in `folder`. */
export function createModuleLoader({ folder }: { readonly folder: string }): ModuleLoader {
  const dirname = resolve(folder);
  const filename = join(dirname, "[cell]");
  const importHere = nativeImportFrom(dirname);
  const importOwn = nativeImportFrom(packageRoot);
  return {
    meta: {
      url: pathToFileURL(filename).href,
      dirname,
      filename,
      resolve: (specifier) => new URL(specifier, pathToFileURL(filename)).href,
    },
    async import(specifier, attributes = {}) {
      try {
        return await importHere(specifier, attributes);
      } catch (error) {
        if (!own.test(specifier) || (error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND")
          throw error;
        return await importOwn(specifier, attributes);
      }
    },
  };
}

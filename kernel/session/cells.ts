/** Cells made ready to run: compiled, linked to their modules, and kept for the stacks that mention them. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import {
  compileCell,
  createModuleLoader,
  installCellRuntime,
  linkCell,
  StackMapper,
} from "../language/index.js";
import type { ModuleLoader } from "../language/types.js";
import type { GuardedRunner } from "./guard.js";

/** A compiled cell. */
export interface Cell {
  /** Names that it declares at its top level. */
  readonly declared: readonly string[];
  /** Runs it and returns its value; a promise of it if the cell imports or awaits. Throws what it throws. */
  run(): unknown;
}

const packageRoot = fileURLToPath(new URL("../../../package.json", import.meta.url));

/** What notebooks may require although they lie in a folder of their own. */
const own = /^(?:assay|tslab)(?:\/|$)/;

/** Compiles the cells of one notebook. */
export class Cells {
  /** Reads stacks in terms of the cells. */
  readonly stacks = new StackMapper();
  readonly #loader: ModuleLoader;
  readonly #runner: GuardedRunner;

  /** Also puts `require`, `__dirname` and `__filename` into the global scope, as of a file in the folder. */
  constructor(folder: string, runner: GuardedRunner) {
    this.#runner = runner;
    this.#loader = createModuleLoader({ folder });
    installCellRuntime(this.#loader);
    const { dirname: __dirname, filename: __filename } = this.#loader.meta;
    Object.assign(globalThis, { require: requireFrom(folder), __dirname, __filename });
  }

  /** @throws CellSyntaxError */
  compile(source: string, fileName: string): Cell {
    const compiled = compileCell(source, { fileName });
    this.stacks.register(fileName, {
      source,
      get map() {
        return compiled.map;
      },
    });
    const script = new vm.Script(compiled.code, { filename: fileName });
    const run = () => this.#runner.run(script);
    return {
      declared: compiled.declared,
      run: () => {
        const linked = linkCell(compiled, this.#loader);
        // Without imports everything was done by the call itself, and a synchronous cell can stay so.
        return compiled.imports.length === 0 ? run() : linked.then(run);
      },
    };
  }
}

function requireFrom(folder: string): NodeJS.Require {
  const here = createRequire(join(folder, "[cell]"));
  const ours = createRequire(packageRoot);
  const find = (id: string): NodeJS.Require => {
    if (!own.test(id)) return here;
    try {
      here.resolve(id);
      return here;
    } catch {
      return ours;
    }
  };
  const require = (id: string): unknown => find(id)(id);
  return Object.assign(require, here, {
    resolve: Object.assign(
      (id: string, options?: NodeJS.RequireResolveOptions) => find(id).resolve(id, options),
      {
        paths: here.resolve.paths,
      },
    ),
  }) as NodeJS.Require;
}

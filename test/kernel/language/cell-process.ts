/** A process that runs cells for the tests, as a session does: `fork`ed once, each request starts clean. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import vm from "node:vm";
import { sessionFlags } from "../../../kernel/language/flags.js";
import {
  compileCell,
  createModuleLoader,
  installCellRuntime,
  linkCell,
  StackMapper,
} from "../../../kernel/language/index.js";
import { replacedNames } from "../../../kernel/language/process-state.js";
import { packageRoot } from "../../support/paths.js";

export interface CellOutcome {
  /** The last cell's value as `util.inspect` shows it, or its error as `Name: message`. */
  readonly shown: string;
  readonly stack?: string;
  /** The stack as the user is to see it, and the failing line. */
  readonly mapped?: string;
  readonly declared?: readonly string[];
}

/** Starts the process; `dispose` ends it. */
export class CellProcess {
  readonly #child: ChildProcess = fork(fileURLToPath(import.meta.url), {
    execArgv: [...sessionFlags],
    serialization: "advanced",
  });

  /** Runs cells one after another and gives what came of the last; earlier ones may fail. */
  async run(cells: readonly string[], folder = packageRoot): Promise<CellOutcome> {
    const reply = new Promise<CellOutcome>((resolve, reject) => {
      this.#child.once("message", (message) => resolve(message as CellOutcome));
      this.#child.once("exit", (code) => reject(new Error(`the cell process ended with ${code}`)));
    });
    this.#child.send({ cells, folder });
    try {
      return await reply;
    } finally {
      this.#child.removeAllListeners();
    }
  }

  dispose(): void {
    this.#child.kill();
  }
}

async function runCells(cells: readonly string[], folder: string): Promise<CellOutcome> {
  const loader = createModuleLoader({ folder });
  installCellRuntime(loader);
  replacedNames.clear();
  let outcome: CellOutcome = { shown: "" };
  for (const [index, source] of cells.entries()) {
    const fileName = `[${index + 1}]`;
    try {
      const cell = compileCell(source, { fileName });
      await linkCell(cell, loader);
      const value: unknown = await new vm.Script(cell.code, { filename: fileName }).runInThisContext();
      outcome = { shown: inspect(value), declared: cell.declared };
    } catch (error) {
      const { name, message, stack } = error as Error;
      const { text, excerpt } = new StackMapper().mapStack(stack ?? "");
      outcome = { shown: `${name}: ${message}`, stack: stack ?? "", mapped: `${text}\n${excerpt}` };
    }
  }
  return outcome;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = new Set(Object.getOwnPropertyNames(globalThis));
  process.on("message", async ({ cells, folder }: { cells: readonly string[]; folder: string }) => {
    process.send?.(await runCells(cells, folder));
    for (const name of Object.getOwnPropertyNames(globalThis))
      if (!before.has(name)) Reflect.deleteProperty(globalThis, name);
  });
}

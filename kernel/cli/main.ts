/** The command line: one file per command, registered here. Each loads its work when it is called. */
import { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import { registerAudit } from "./audit.js";
import { registerBench } from "./bench.js";
import { registerCheck } from "./check.js";
import { complain } from "./complain.js";
import { registerDoctor } from "./doctor.js";
import { registerExport } from "./export.js";
import { registerInstall } from "./install.js";
import { registerKernel } from "./kernel.js";
import { registerLab } from "./lab.js";
import { registerLock } from "./lock.js";
import { registerRun } from "./run.js";
import { registerScan } from "./scan.js";

/** Exit code of wrong usage and of input that cannot be read. */
const USAGE = 2;

/** Runs the command named by `argv` (as `process.argv`); an AssayError ends it with one line, not a stack. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("assay")
    .description("A TypeScript notebook kernel and library for auditing models.")
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "assay: ")),
    })
    .showHelpAfterError("(assay --help lists the commands)")
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : USAGE);
    });
  registerLab(program);
  registerRun(program);
  registerExport(program);
  registerCheck(program);
  registerLock(program);
  registerAudit(program);
  registerScan(program);
  registerBench(program);
  registerInstall(program);
  registerDoctor(program);
  registerKernel(program);
  try {
    await program.parseAsync(argv as string[]);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    complain(error.message);
    process.exitCode = USAGE;
  }
}

/** The command line: one file per command, registered here. */
import { Command } from "commander";

/** Runs the command named by `argv` (as `process.argv`). */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("assay")
    .description("A TypeScript notebook kernel and library for auditing models.")
    .showHelpAfterError("(assay --help lists the commands)");
  await program.parseAsync(argv as string[]);
}

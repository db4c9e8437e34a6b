/** `assay install` and `assay uninstall`: the kernelspec for an existing Jupyter, VS Code or JupyterHub. */
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import { type Place, removeSpec, writeSpec } from "./kernelspec.js";

interface Options {
  readonly user?: boolean;
  readonly prefix?: string;
  readonly name: string;
}

/** Adds both commands. */
export function registerInstall(program: Command): void {
  placed(program.command("install"))
    .summary("add the kernel to an existing Jupyter, VS Code or JupyterHub")
    .description("Adds the kernel to an existing Jupyter, VS Code or JupyterHub.")
    .addHelpText(
      "after",
      `
Examples:
  assay install                       for you, in Jupyter's folder of your account
  assay install --prefix "$VIRTUAL_ENV"   for one Python environment
  jupyter nbconvert --to notebook --execute NB.ipynb    then runs notebooks with it`,
    )
    .action((options: Options) => {
      const folder = writeSpec(placeOf(options));
      process.stdout.write(`Installed the kernel "${options.name}" in ${folder}\n`);
    });
  placed(program.command("uninstall"))
    .summary("remove the kernel that install added")
    .description("Removes the kernel that `assay install` added.")
    .addHelpText("after", '\nExamples:\n  assay uninstall\n  assay uninstall --prefix "$VIRTUAL_ENV"')
    .action((options: Options) => {
      const { folder, removed } = removeSpec(placeOf(options));
      process.stdout.write(removed ? `Removed ${folder}\n` : `Nothing to remove: there is no ${folder}\n`);
    });
}

function placed(command: Command): Command {
  return command
    .option("--user", "in Jupyter's folder of your account (the default)")
    .option("--prefix <dir>", "in DIR/share/jupyter, e.g. of a virtual environment")
    .option("--name <name>", "the name that notebooks store", "assay");
}

function placeOf({ user, prefix, name }: Options): Place {
  if (user && prefix !== undefined) {
    throw new AssayError("INVALID_ARGUMENT", "Give --user or --prefix, not both.");
  }
  return prefix === undefined ? { name } : { prefix, name };
}

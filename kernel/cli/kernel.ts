/** `assay kernel CONNECTION_FILE`: the supervisor, as a kernelspec may call it. */
import type { Command } from "commander";

export function registerKernel(program: Command): void {
  program
    .command("kernel", { hidden: true })
    .description("Starts a kernel that listens where the connection file says.")
    .argument("<connection-file>", "JSON file that Jupyter writes")
    .action(async (connectionFile: string) => {
      const { serve } = await import("../server/main.js");
      await serve(connectionFile);
    });
}

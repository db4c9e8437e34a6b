/** The `assay` command as a person runs it: a process of its own. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "./paths.js";

/** The command's file, to be run by Node. */
export const command = join(packageRoot, "kernel/cli/assay.mjs");

/** Runs `assay …` to its end. */
export const assay = (
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [command, ...args], { encoding: "utf8", ...options });

/** `assay lock NB`: writes or verifies the lock file beside a notebook. */
import type { Command } from "commander";

interface Options {
  readonly update?: boolean;
}

/** Exit code of a lock that does not fit. */
const MISMATCH = 5;

export function registerLock(program: Command): void {
  program
    .command("lock")
    .summary("write or verify what a notebook's results rest on")
    .description(
      "Writes NAME.lock.json beside NAME.ipynb: hashes of its cells, of the files that its code names and of the package lock, and the versions in use; verifies the lock file if it is there already.",
    )
    .argument("<notebook>", "notebook file")
    .option("--update", "write the lock file anew")
    .addHelpText("after", help)
    .action(run);
}

const help = `
Files are found by the paths that stand in the code as literals, also as \`clean-\${i}.onnx\`; a path that is
put together in another way is not seen.
Exit codes: 0 written or unchanged, 2 wrong usage or unreadable input, 5 something has changed.

Examples:
  assay lock audit.ipynb            (the first time: writes; from then on: verifies)
  assay lock audit.ipynb --update   (after a change that is meant)`;

async function run(file: string, { update = false }: Options): Promise<void> {
  const { differences, lockFileOf, measure, readLock, writeLock } = await import("../notebook/lock.js");
  const locked = update ? undefined : await readLock(file);
  const now = await measure(file);
  if (!locked) {
    await writeLock(file, now);
    const names = now.files.map(({ path }) => path).join(", ") || "none";
    process.stderr.write(`assay: wrote ${lockFileOf(file)}; files: ${names}\n`);
    return;
  }
  const found = differences(locked, now);
  if (found.length === 0) {
    process.stderr.write(`assay: ${file}: as locked\n`);
    return;
  }
  process.stderr.write(`assay: ${file}: not as locked:\n${found.map((one) => `  ${one}\n`).join("")}`);
  process.exitCode = MISMATCH;
}

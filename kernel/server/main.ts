/** The supervisor's process: `node main.js CONNECTION_FILE`. */
import { writeFileSync } from "node:fs";
import { formatConnection, readConnectionFile, SOCKETS } from "../protocol/connection.js";
import { Kernel } from "./kernel.js";

/** Time between looks at whether whoever started the kernel still lives. */
const PARENT_CHECK_MS = 1000;

/** Starts a kernel and keeps it until it is shut down. */
export async function serve(connectionFile: string): Promise<void> {
  // Interrupts come as messages. A signal meant for the whole terminal must not end the kernel.
  process.on("SIGINT", () => {});
  const connection = readConnectionFile(connectionFile);
  const kernel = await Kernel.start(connection, process.cwd(), () => {
    process.exitCode = 0;
    // Sockets linger until their last messages are out; a timer of somebody else must not hold us longer.
    setTimeout(() => process.exit(), 1000).unref();
  });
  if (SOCKETS.some((name) => connection.ports[name] === 0)) {
    writeFileSync(connectionFile, formatConnection(kernel.sockets.connection), { mode: 0o600 });
  }
  process.on("SIGTERM", () => kernel.close());
  process.on("exit", () => kernel.executor.dispose());
  watchParent(() => kernel.close());
}

/** Jupyter names the process that owns the kernel; when that is gone, so are we. */
function watchParent(gone: () => void): void {
  if (!process.env["JPY_PARENT_PID"]) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) gone();
  }, PARENT_CHECK_MS).unref();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const file = process.argv[2];
  if (!file) {
    process.stderr.write("assay kernel: name the connection file.\n");
    process.exit(2);
  }
  serve(file).catch((error: unknown) => {
    process.stderr.write(`assay kernel: ${(error as Error).message}\n`);
    process.exit(2);
  });
}

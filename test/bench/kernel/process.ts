/** Kernels of several makers, started alike and spoken to by the same client. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVER } from "../../../kernel/cli/kernelspec.js";
import { Client } from "../../../kernel/client/client.js";
import type { KernelClient } from "../../../kernel/client/index.js";
import { freePorts } from "../../../kernel/client/ports.js";
import { formatConnection, readConnectionFile } from "../../../kernel/protocol/connection.js";
import { packageRoot } from "../../support/paths.js";

/** Whose kernel. */
export type Maker = "assay" | "ipykernel" | "tslab";

/** A kernel that answers. */
export interface RunningKernel {
  readonly client: KernelClient;
  /** Ends it and its process. */
  readonly end: () => Promise<void>;
}

/** Time that a kernel gets to start, or a cell to end, before it counts as missing. */
const PATIENCE_MS = 10_000;

/** Time that a kernel gets to end by itself. */
const SHUTDOWN_MS = 1500;

const commands: Readonly<Record<Maker, (file: string) => readonly string[]>> = {
  assay: (file) => [process.execPath, SERVER, file],
  ipykernel: (file) => ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", file],
  tslab: (file) => [
    process.execPath,
    join(packageRoot, "node_modules/tslab/bin/tslab"),
    "kernel",
    "--config-path",
    file,
  ],
};

/** Starts a kernel as Jupyter does, on TCP ports of this machine; throws when it does not answer. */
export async function startProcess(maker: Maker): Promise<RunningKernel> {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const file = join(folder, "connection.json");
  const [shell, iopub, stdin, control, hb] = (await freePorts(5)) as [number, number, number, number, number];
  const ports = { shell, iopub, stdin, control, hb };
  const key = randomBytes(16).toString("hex");
  writeFileSync(file, formatConnection({ transport: "tcp", ip: "127.0.0.1", key, ports }), { mode: 0o600 });
  const [program, ...args] = commands[maker](file) as [string, ...string[]];
  // tslab looks for a copy of itself, and for its types, beside the working folder.
  const child = spawn(program, args, { cwd: packageRoot, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-2000);
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("error", (error) => {
      errors += error.message;
      resolve({ code: null, signal: null });
    });
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const client = new Client(readConnectionFile(file), {
    exited,
    lastWords: () => errors.trim().split("\n").at(-1) ?? "",
    end: async () => {
      const timer = setTimeout(() => child.kill("SIGKILL"), SHUTDOWN_MS);
      await exited;
      clearTimeout(timer);
    },
  });
  const end = async () => {
    await client.dispose();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await patiently(client.ready());
  } catch (error) {
    await end();
    throw error;
  }
  return { client, end };
}

/** Waits for what a kernel promised, for a limited time. */
export async function patiently<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

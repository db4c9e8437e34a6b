/** Starts kernels, and connects to kernels that others started. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssayError } from "../../lib/errors.js";
import { type Connection, formatConnection, readConnectionFile } from "../protocol/connection.js";
import { Client, type KernelProcess } from "./client.js";
import { freePorts } from "./ports.js";
import type { KernelClient, StartOptions } from "./types.js";

const SERVER = fileURLToPath(new URL("../server/main.js", import.meta.url));

/** Time that a kernel gets to end by itself after it was asked. */
const SHUTDOWN_MS = 2000;

/** Time that the last words of an ended kernel get to arrive. */
const DRAIN_MS = 100;

/** More than an error message of the kernel has. */
const LAST_WORDS = 4000;

/**
 * Starts a kernel in a folder and waits until it answers.
 *
 * @throws AssayError FILE_NOT_FOUND if the folder does not exist; KERNEL_DIED, with the kernel's last words,
 * if it does not start.
 *
 * @example
 * const kernel = await startKernel({ cwd: "notebooks" });
 * const reply = await kernel.execute("1 + 1", { onOutput: (message) => console.log(message.content) });
 * await kernel.dispose();
 */
export async function startKernel({ cwd, env = {} }: StartOptions): Promise<KernelClient> {
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `The folder "${cwd}" does not exist; a kernel runs in the notebook's folder.`,
      {
        cwd,
      },
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  const connection = await newConnection(folder);
  const file = join(folder, "connection.json");
  writeFileSync(file, formatConnection(connection), { mode: 0o600 });
  const child = spawn(process.execPath, [SERVER, file], {
    cwd,
    env: { ...process.env, ...env, JPY_PARENT_PID: String(process.pid) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kernel = supervise(child, () => rmSync(folder, { recursive: true, force: true }));
  return ready(new Client(connection, kernel));
}

/**
 * Connects to a kernel by its connection file; `dispose` then shuts that kernel down.
 *
 * @throws AssayError FILE_NOT_FOUND or INVALID_FILE if the file cannot be used.
 */
export async function connectKernel(connectionFile: string): Promise<KernelClient> {
  const connection = readConnectionFile(connectionFile);
  const kernel: KernelProcess = {
    // Whether a kernel that others started lives is not ours to know.
    exited: new Promise(() => {}),
    lastWords: () => "",
    // Closed sooner, our sockets would take the request with them.
    end: async (answered) => {
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise((resolve) => {
        timer = setTimeout(resolve, SHUTDOWN_MS);
      });
      await Promise.race([answered, tooLong]);
      clearTimeout(timer);
    },
  };
  return ready(new Client(connection, kernel));
}

async function ready(client: Client): Promise<KernelClient> {
  try {
    await client.ready();
  } catch (error) {
    await client.dispose();
    throw error;
  }
  return client;
}

/** Local sockets in a private folder where the system has them: no port to collide with, nothing to reach from outside. */
async function newConnection(folder: string): Promise<Connection> {
  const key = randomBytes(32).toString("hex");
  if (process.platform !== "win32") {
    const ports = { shell: 1, iopub: 2, stdin: 3, control: 4, hb: 5 };
    return { transport: "ipc", ip: join(folder, "k"), key, ports };
  }
  const [shell, iopub, stdin, control, hb] = await freePorts(5);
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    key,
    ports: { shell: shell!, iopub: iopub!, stdin: stdin!, control: control!, hb: hb! },
  };
}

function supervise(child: ChildProcess, cleanUp: () => void): KernelProcess {
  let words = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("error", (error) => {
      words += error.message;
      resolve({ code: null, signal: null });
    });
    child.once("exit", (code, signal) => {
      const end = () => {
        clearTimeout(drained);
        // A helper of the kernel may outlive it for a while and holds this pipe: it must not hold us.
        child.stderr!.destroy();
        resolve({ code, signal });
      };
      const drained = setTimeout(end, DRAIN_MS);
      child.once("close", end);
    });
  }).finally(cleanUp);
  return {
    exited,
    lastWords: () => words,
    end: async () => {
      const timer = setTimeout(() => child.kill("SIGKILL"), SHUTDOWN_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** A peer library in a long-lived Python process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../support/paths.js";

/** What a job gave back. */
export interface PeerRun {
  readonly seconds: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A running peer. */
export interface Peer {
  readonly versions: Readonly<Record<string, string | number>>;
  /** BLAS libraries that it loaded. */
  readonly blas: readonly string[];
  /** Processors whose code OpenBLAS runs. */
  readonly kernels: readonly string[];
  /** False if products came out wrong. */
  readonly isRight: boolean;
  /** Sets a job up. A later call with the same name replaces it. */
  prepare(job: string, options: Readonly<Record<string, unknown>>): Promise<void>;
  /** Runs a prepared job once; the seconds are the peer's own, without the exchange of messages. */
  run(job: string): Promise<PeerRun>;
  /** Frees a job's data. */
  forget(job: string): Promise<void>;
  stop(): void;
}

const PYTHON = "/usr/bin/python3";
/** Debian's torch brings OpenMP: beside OpenBLAS with its own threads it would use twice as many as the machine has. */
const OPENMP_BLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp";

/** Make OpenBLAS take another processor's code than its own choice: slower, and for its own only where that fails. */
const OPENBLAS_CHOICES = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/**
 * Starts a peer, or says on standard error why there is none.
 *
 * OpenBLAS chooses its code itself, as at its users', unless its choice computes wrong products here.
 */
export async function startPeer(
  jobs: "torch_jobs" | "numpy_jobs",
  threads: number,
): Promise<Peer | undefined> {
  if (!existsSync(PYTHON)) return missing(jobs, `there is no ${PYTHON}`);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
  };
  if (jobs === "torch_jobs" && threads > 1) {
    if (!existsSync(OPENMP_BLAS)) return missing(jobs, "libopenblas0-openmp is not installed");
    env["LD_LIBRARY_PATH"] = OPENMP_BLAS;
  }
  const free = Object.fromEntries(Object.entries(env).filter(([name]) => !OPENBLAS_CHOICES.includes(name)));
  const peer = await connect(serve(jobs, free), jobs);
  if (peer?.isRight) return peer;
  if (OPENBLAS_CHOICES.every((name) => env[name] === undefined)) return peer;
  console.error(`bench: ${jobs}: OpenBLAS' own choice fails here; it runs as the environment says.`);
  peer?.stop();
  return connect(serve(jobs, env), jobs);
}

const serve = (jobs: string, env: NodeJS.ProcessEnv): ChildProcess =>
  spawn(PYTHON, [join(packageRoot, "test/bench/peers/serve.py"), jobs], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });

async function connect(child: ChildProcess, jobs: string): Promise<Peer | undefined> {
  let errors = "";
  child.stderr!.on("data", (text) => {
    errors = (errors + text).slice(-2000);
  });
  // Without a listener an end of the child between two messages would end us.
  child.stdin!.on("error", () => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ask = async (request?: object): Promise<Record<string, unknown>> => {
    if (request) child.stdin!.write(`${JSON.stringify(request)}\n`);
    const line = await lines.next();
    if (line.done) throw new Error(`${jobs} ended: ${errors.trim().split("\n").at(-1) ?? ""}`);
    const reply = JSON.parse(line.value) as Record<string, unknown>;
    if (reply["error"] !== undefined) throw new Error(`${jobs}: ${String(reply["error"])}`);
    return reply;
  };
  try {
    const hello = await ask();
    return {
      versions: hello["versions"] as Record<string, string | number>,
      blas: hello["blas"] as string[],
      kernels: hello["kernels"] as string[],
      isRight: hello["isRight"] as boolean,
      prepare: async (job, options) => void (await ask({ prepare: job, options })),
      run: async (job) => (await ask({ run: job })) as unknown as PeerRun,
      forget: async (job) => void (await ask({ forget: job })),
      stop: () => void child.kill(),
    };
  } catch (error) {
    child.kill();
    return missing(jobs, String(error));
  }
}

function missing(jobs: string, why: string): undefined {
  console.error(`bench: no peer ${jobs.replace("_jobs", "")}: ${why}`);
  return undefined;
}

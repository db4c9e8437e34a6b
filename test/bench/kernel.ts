/**
 * Suite `kernel`: what a person waits for, beside ipykernel and tslab's own kernel.
 *
 * All three are started by their commands on TCP ports and spoken to by the same client, turn by turn.
 * Rows named after what is measured compare with ipykernel; those that end in `OverTslab` hold the same
 * times of ours beside tslab's.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { KernelClient } from "../../kernel/client/index.js";
import { packageRoot } from "../support/paths.js";
import { notebookCell, printingCell, typedCell } from "./kernel/cells.js";
import { type Maker, patiently, type RunningKernel, startProcess } from "./kernel/process.js";
import { compileCellMilliseconds } from "./language.js";
import { median, type Row, timed } from "./measure.js";

interface Measurement {
  readonly rounds: number;
  /** Whether every round has kernels of its own: tslab's goes silent after some 170 cells. */
  readonly freshKernels: boolean;
  /** Milliseconds of one round. */
  readonly work: (kernel: KernelClient, maker: Maker, round: number) => Promise<number>;
}

const LINES = 20_000;

const measurements: Readonly<Record<string, Measurement>> = {
  roundTrip: {
    rounds: 4,
    freshKernels: false,
    work: (kernel) => medianCall(kernel, 30, () => "1+1"),
  },
  typedCell: {
    rounds: 3,
    freshKernels: false,
    work: (kernel, maker, round) => medianCall(kernel, 10, (call) => typedCell(maker, round * 10 + call)),
  },
  hundredCells: {
    rounds: 2,
    freshKernels: true,
    work: (kernel, maker) =>
      timed(async () => {
        for (let number = 0; number < 100; number++) await run(kernel, notebookCell(maker, number));
      }),
  },
  printedLines: {
    rounds: 3,
    freshKernels: false,
    work: async (kernel, maker) => {
      let lines = 0;
      const count = (text: string) => {
        lines += text.split("\n").length - 1;
      };
      const milliseconds = await timed(() => run(kernel, printingCell(maker, LINES), count));
      if (lines !== LINES) throw new Error(`${lines} of ${LINES} printed lines arrived`);
      return milliseconds;
    },
  },
};

/** Runs the suite. A missing peer gives null and a line on standard error. */
export async function kernel(): Promise<Record<string, unknown>> {
  const makers = new Set<Maker>(["assay", "ipykernel", "tslab"]);
  const rows: Record<string, Row> = {};
  const add = (name: string, times: ReadonlyMap<Maker, readonly number[]>): void => {
    rows[name] = row(times, "ipykernel");
    rows[`${name}OverTslab`] = row(times, "tslab");
    const shown = [...times].map(([maker, values]) => `${maker} ${median(values).toPrecision(3)} ms`);
    console.error(`bench: ${name}: ${shown.join(", ")}`);
  };
  add("coldStart", await coldStarts(makers, 3));
  for (const [name, measurement] of Object.entries(measurements))
    add(name, await measure(name, measurement, makers));
  const compile = compileCellMilliseconds();
  console.error("bench: compileCell: no peer; it is a part of typedCell");
  rows["compileCell"] = {
    ours: compile.typed,
    peer: null,
    peerName: "none",
    ratio: null,
    unit: "ms",
    runs: 200,
    threads: 1,
  };
  return {
    rows,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryBytes: totalmem() },
    versions: versions(),
  };
}

/** From the start of the process to the first result. A peer that fails is dropped from all that follows. */
async function coldStarts(makers: Set<Maker>, rounds: number): Promise<Map<Maker, number[]>> {
  const times = new Map<Maker, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const maker of turn(makers, round)) {
      try {
        const start = performance.now();
        const kernel = await startProcess(maker);
        try {
          await run(kernel.client, "1+1");
          push(times, maker, performance.now() - start);
        } finally {
          await kernel.end();
        }
      } catch (error) {
        drop(makers, times, maker, "coldStart", error);
      }
    }
  }
  return times;
}

async function measure(
  name: string,
  { rounds, freshKernels, work }: Measurement,
  all: ReadonlySet<Maker>,
): Promise<Map<Maker, number[]>> {
  const makers = new Set(all);
  const times = new Map<Maker, number[]>();
  const running = new Map<Maker, RunningKernel>();
  const end = async (maker: Maker) => {
    await running.get(maker)?.end();
    running.delete(maker);
  };
  try {
    // The first round warms up, with kernels that all go on; fresh kernels have nothing to keep warm.
    for (let round = freshKernels ? 0 : -1; round < rounds; round++) {
      for (const maker of turn(makers, round)) {
        try {
          if (!running.has(maker)) {
            running.set(maker, await startProcess(maker));
            await run(running.get(maker)!.client, "1+1");
          }
          const milliseconds = await work(running.get(maker)!.client, maker, round + 1);
          if (round >= 0) push(times, maker, milliseconds);
          if (freshKernels) await end(maker);
        } catch (error) {
          drop(makers, times, maker, name, error);
          await end(maker);
        }
      }
    }
  } finally {
    for (const maker of [...running.keys()]) await end(maker);
  }
  return times;
}

/** Who begins changes every round. */
function turn(makers: ReadonlySet<Maker>, round: number): Maker[] {
  const order = [...makers];
  return round % 2 === 0 ? order : order.reverse();
}

function drop(
  makers: Set<Maker>,
  times: Map<Maker, number[]>,
  maker: Maker,
  name: string,
  error: unknown,
): void {
  if (maker === "assay") throw error;
  console.error(`bench: ${name}: no peer ${maker}: ${(error as Error).message}`);
  makers.delete(maker);
  times.delete(maker);
}

function push(times: Map<Maker, number[]>, maker: Maker, milliseconds: number): void {
  const values = times.get(maker);
  if (values) values.push(milliseconds);
  else times.set(maker, [milliseconds]);
}

/** Runs a cell until it is idle; it must not fail. */
async function run(client: KernelClient, code: string, printed?: (text: string) => void): Promise<void> {
  const reply = await patiently(
    client.execute(code, {
      onOutput: ({ header, content }) => {
        if (header.msg_type === "stream") printed?.(String(content["text"]));
      },
    }),
  );
  if (reply.status !== "ok") throw new Error(`a cell failed: ${reply.ename}: ${reply.evalue}`);
}

async function medianCall(
  client: KernelClient,
  calls: number,
  cell: (call: number) => string,
): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < calls; call++) times.push(await timed(() => run(client, cell(call))));
  return median(times);
}

function row(times: ReadonlyMap<Maker, readonly number[]>, peerName: Maker): Row {
  const mine = times.get("assay")!;
  const theirs = times.get(peerName);
  const ours = median(mine);
  const peer = theirs ? median(theirs) : null;
  const ratio = peer === null ? null : ours / peer;
  return { ours, peer, peerName, ratio, unit: "ms", runs: mine.length, threads: cpus().length };
}

function versions(): Record<string, string | null> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "node_modules/tslab/package.json"), "utf8"));
  return { node: process.version, tslab: version, ipykernel: ipykernelVersion() };
}

function ipykernelVersion(): string | null {
  try {
    const script = "import ipykernel; print(ipykernel.__version__)";
    return execFileSync("/usr/bin/python3", ["-c", script], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return null;
  }
}

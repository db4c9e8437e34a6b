/**
 * The process that the fuzzer's cases run in: `worker.js open|session|run FIRST COUNT FOLDER`.
 *
 * Prints the index of each case before it starts, so that whoever watches knows which one crashed or hung, and
 * a last line with what it saw. Files outside FOLDER that are opened during a case are findings.
 */
import fs, { writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isAbsolute, join, relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";

/** What a worker saw. */
export interface FuzzReport {
  readonly loaded: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** What must not happen: a foreign error, a changed model, a file read outside. */
  readonly findings: readonly string[];
  /** Most resident memory beyond what the process had before the first case, in bytes. */
  readonly extraBytes: number;
}

const [mode = "open", first = "0", count = "0", folder = ""] = process.argv.slice(2);
const outside: string[] = [];
let isWatching = false;

/** Notes every path that is opened, whoever opens it; native code of onnxruntime is told its files by us. */
for (const name of ["openSync", "readFileSync", "statSync", "realpathSync"] as const) {
  const original = fs[name] as (...parameters: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: Object.assign((...parameters: unknown[]) => {
      const way = typeof parameters[0] === "string" ? relative(folder, resolve(parameters[0])) : "";
      if (isWatching && (way.startsWith("..") || isAbsolute(way))) outside.push(String(parameters[0]));
      return original(...parameters);
    }, original),
  });
}
syncBuiltinESMExports();

const { AssayError } = await import("../../../../lib/errors.js");
const { decodeModel, encodeModel, modelSession, openModel } = await import("../../../../lib/onnx/index.js");
const { fuzzCase } = await import("./cases.js");

const { smallFeeds } = await import("./feeds.js");
const { smallModel } = await import("../models.js");

// Loads the native library, which opens files of its own.
if (mode !== "open") modelSession(smallModel(), { threads: 1 }).dispose();

const refused: Record<string, number> = {};
const findings: string[] = [];
let loaded = 0;

function run(index: number): void {
  const { label, bytes } = fuzzCase(index, mode === "open" ? undefined : true);
  const path = join(folder, "case.onnx");
  // Every eighth case comes as a file, so that external weights are looked for.
  const fromFile = index % 8 < 2;
  if (fromFile) fs.writeFileSync(path, bytes);
  outside.length = 0;
  isWatching = true;
  try {
    const model = openModel(fromFile ? path : bytes);
    loaded++;
    if (mode === "session") modelSession(model, { threads: 1 }).dispose();
    else if (mode === "run") {
      using session = modelSession(model, { threads: 1 });
      const feeds = smallFeeds(session.inputs);
      if (feeds) session.runSync(feeds);
    } else {
      const again = encodeModel(decodeModel(bytes));
      const same =
        Buffer.from(again).equals(bytes) || isDeepStrictEqual(decodeModel(again), decodeModel(bytes));
      if (!same) findings.push(`${label}: loads, but is saved as another model`);
    }
  } catch (error) {
    if (error instanceof AssayError) refused[error.code] = (refused[error.code] ?? 0) + 1;
    else findings.push(`${label}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  isWatching = false;
  if (outside.length > 0) findings.push(`${label}: looked at ${outside.join(", ")}`);
}

const from = Number(first);
run(from);
const before = process.memoryUsage.rss();
let most = before;
for (let index = from + 1; index < from + Number(count); index++) {
  writeSync(1, `${index}\n`);
  run(index);
  most = Math.max(most, process.memoryUsage.rss());
}
const report: FuzzReport = { loaded, refused, findings, extraBytes: most - before };
writeSync(1, `${JSON.stringify(report)}\n`);

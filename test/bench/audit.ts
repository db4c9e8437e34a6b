/** Suite `audit`: a search of triggers beside the same search in PyTorch, and whole audits from the command line. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readLabelled, takeLabelled } from "../../lib/data/index.js";
import { neuralCleanse } from "../../lib/extraction/index.js";
import { loadModel } from "../../lib/model/index.js";
import { defaultThreads } from "../../lib/runtime/index.js";
import { command } from "../support/cli.js";
import { packageRoot } from "../support/paths.js";
import { compare, type Row, timed } from "./measure.js";
import { startPeer } from "./peer.js";

const ROUNDS = 3;
const notebooks = join(packageRoot, "notebooks");
const suspect = join(notebooks, "models/fashion-cnn.onnx");
const references = [1, 2, 3].map((i) => join(notebooks, `models/fashion-cnn-clean-${i}.onnx`));
const images = join(notebooks, "data/fashion-mnist.npz");

/** Ten masks at once, 16 images each: 38,400 images forward and back. */
const search = { steps: 240, batch: 16 };

/**
 * Runs the suite.
 *
 * `neuralCleanseOverTorch`: the search of all ten classes of one model, on either side with as many updates on as
 * many images. `auditQuick` and `auditStandard`: the command with three references and an empty cache, start of the
 * process included, beside the time that PyTorch takes to search those four models.
 */
export async function audit(): Promise<Record<string, unknown>> {
  const threads = Math.min(2, defaultThreads());
  const rows: Record<string, Row> = {};
  const versions: Record<string, string> = { node: process.version, onnxruntime: onnxruntimeVersion() };
  const peer = await startPeer("torch_jobs", threads);
  Object.assign(versions, peer?.versions);
  const torchSearch = async (): Promise<number> => (await peer!.run("masks")).seconds * 1000;
  const measure = async (name: string, ours: () => Promise<number>, models: number): Promise<void> => {
    const row = await compare({
      peerName: "torch",
      threads,
      rounds: ROUNDS,
      ours,
      peer: peer && (async () => models * (await torchSearch())),
    });
    const other = row.peer === null ? "missing" : `${row.peer.toPrecision(3)} ms`;
    console.error(`bench: ${name}: ${row.ours.toPrecision(3)} ms, peer ${other}`);
    rows[name] = row;
  };
  try {
    await peer?.prepare("masks", search);
    const clean = takeLabelled(
      await readLabelled(images),
      Array.from({ length: 256 }, (_, i) => i),
    );
    const inversion = async (): Promise<number> => {
      const model = await loadModel(suspect);
      try {
        return await timed(() => neuralCleanse(model, clean, { seed: 1, ...search }));
      } finally {
        await model.release();
      }
    };
    await measure("neuralCleanseOverTorch", inversion, 1);
    await measure("auditQuickOverTorch", () => timed(() => wholeAudit("quick")), 1 + references.length);
    await measure("auditStandardOverTorch", () => timed(() => wholeAudit("standard")), 1 + references.length);
  } finally {
    peer?.stop();
  }
  return {
    ...Object.fromEntries(Object.entries(rows).map(([name, { ratio }]) => [name, ratio])),
    rows,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryBytes: totalmem() },
    versions,
  };
}

/** One audit from the command line; searches that an earlier one kept do not help. */
async function wholeAudit(budget: "quick" | "standard"): Promise<void> {
  const cache = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const options = ["--data", images, "--references", ...references, "--budget", budget, "--json", "-"];
  const arguments_ = [command, "audit", suspect, ...options];
  try {
    await promisify(execFile)(process.execPath, arguments_, {
      cwd: cache,
      env: { ...process.env, XDG_CACHE_HOME: cache },
      maxBuffer: 2 ** 26,
    });
  } finally {
    rmSync(cache, { recursive: true });
  }
}

const onnxruntimeVersion = (): string =>
  (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }).version;

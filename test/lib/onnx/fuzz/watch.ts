/** Runs fuzzing workers and restarts them behind a case that crashed or hung. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FuzzReport } from "./worker.js";

/** A case may take this long before it counts as hanging. */
const PATIENCE_MS = 5000;

const worker = fileURLToPath(new URL("./worker.js", import.meta.url));

interface Outcome {
  readonly report?: FuzzReport;
  /** The case at which the process ended, and how. */
  readonly died?: { readonly index: number; readonly how: string };
}

/** Runs cases `[first, first + count)`; the report of several workers is their sum. */
export async function fuzz(
  mode: "open" | "session" | "run",
  first: number,
  count: number,
): Promise<FuzzReport> {
  const root = mkdtempSync(join(tmpdir(), "assay-fuzz-"));
  const folder = join(root, "models");
  const total = { loaded: 0, refused: {} as Record<string, number>, findings: [] as string[], extraBytes: 0 };
  try {
    prepare(root, folder);
    for (let next = first; next < first + count; ) {
      const { report, died } = await runWorker(mode, next, first + count - next, folder);
      if (report) {
        total.loaded += report.loaded;
        total.findings.push(...report.findings);
        total.extraBytes = Math.max(total.extraBytes, report.extraBytes);
        for (const [code, n] of Object.entries(report.refused))
          total.refused[code] = (total.refused[code] ?? 0) + n;
      }
      if (!died) break;
      total.findings.push(`case ${died.index} (${mode}) ended the process: ${died.how}`);
      next = died.index + 1;
    }
  } finally {
    rmSync(root, { recursive: true });
  }
  return total;
}

/** A secret beside the folder, and a link to it inside. */
function prepare(root: string, folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(root, "secret"), Buffer.alloc(4096));
  writeFileSync(join(folder, "weights"), Buffer.alloc(4096));
  symlinkSync(join(root, "secret"), join(folder, "link"));
}

function runWorker(mode: string, first: number, count: number, folder: string): Promise<Outcome> {
  // A small heap: garbage of earlier cases must not count as memory of a later one.
  const flags = ["--max-semi-space-size=1", "--max-old-space-size=128"];
  const child = spawn(process.execPath, [...flags, worker, mode, String(first), String(count), folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let index = first;
  let report: FuzzReport | undefined;
  let errors = "";
  let isHanging = false;
  const watchdog = (): NodeJS.Timeout =>
    setTimeout(() => {
      isHanging = true;
      child.kill("SIGKILL");
    }, PATIENCE_MS);
  // The first case waits for imports, too.
  let timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-500);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    clearTimeout(timer);
    if (line.startsWith("{")) report = JSON.parse(line) as FuzzReport;
    else {
      index = Number(line);
      timer = watchdog();
    }
  });
  return new Promise((done) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (report) return done({ report });
      const how = isHanging
        ? `no answer in ${PATIENCE_MS} ms`
        : `${signal ?? `exit code ${code}`} ${errors.trim()}`;
      done({ died: { index, how } });
    });
  });
}

/** Suite `lab`: how long a person waits for the lab, its page, and the first result. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { LabPage, notebookOf } from "../browser/lab-page.js";
import { command } from "../support/cli.js";
import { packageRoot } from "../support/paths.js";
import { compare, type Row, timed } from "./measure.js";

const rounds = 5;

/** Runs the suite. JupyterLab itself needs Python packages that Debian does not have: its side is null. */
export async function lab(): Promise<Record<string, unknown>> {
  console.error("bench: no peer JupyterLab: Debian has no package of it");
  const rows: Record<string, Row> = {};
  const measure = async (name: string, ours: () => Promise<number>) => {
    const row = await compare({
      peerName: "JupyterLab",
      threads: cpus().length,
      rounds,
      ours,
      peer: undefined,
    });
    console.error(`bench: ${name}: ${row.ours.toPrecision(3)} ms`);
    rows[name] = row;
  };
  await measure("startToReady", startToReady);
  const page = await LabPage.open({ "bench.ipynb": notebookOf(["1 + 1"]) });
  if (page) {
    try {
      await measure("pageToIdleKernel", () => timed(() => page.visit("bench.ipynb")));
      await measure("runCellToResult", () => timed(() => page.runAll()));
    } finally {
      await page.dispose();
    }
  }
  const { jupyterlab } = JSON.parse(readFileSync(join(packageRoot, "dist/lab-ui/manifest.json"), "utf8"));
  return {
    rows,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryBytes: totalmem() },
    versions: { node: process.version, jupyterlab },
  };
}

/** Milliseconds from the command to its line with the address. */
async function startToReady(): Promise<number> {
  const start = performance.now();
  const arguments_ = [command, "lab", tmpdir(), "--no-open"];
  const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const milliseconds = performance.now() - start;
  const exit = once(child, "exit");
  child.kill("SIGINT");
  await exit;
  return milliseconds;
}

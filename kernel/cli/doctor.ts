/** `assay doctor`: looks at everything a kernel needs, and says what to do about what is missing. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { readSpec, SERVER, specFolder } from "./kernelspec.js";

/** One thing looked at. */
interface Check {
  readonly what: string;
  readonly result: "ok" | "missing" | "wrong";
  /** What was found, or what to do. */
  readonly note: string;
}

const packageRoot = fileURLToPath(new URL("../../..", import.meta.url));

/** Native packages: what they are for. */
const NATIVE = {
  zeromq: "the kernel's sockets",
  "oxc-parser": "parsing of cells",
  "@swc/core": "compiling of cells",
  "onnxruntime-node": "running of models",
  "@napi-rs/canvas": "still pictures of figures",
};

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];

/** Adds the command. */
export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("check everything that a kernel needs")
    .description("Checks everything that a kernel needs, and says what to do about what is missing.")
    .addHelpText("after", "\nExample:\n  assay doctor      exits with 1 if something needed is wrong")
    .action(async () => {
      const marks = { ok: "ok     ", missing: "missing", wrong: "WRONG  " };
      let wrong = 0;
      for await (const { what, result, note } of examine()) {
        process.stdout.write(`${marks[result]}  ${what}: ${note}\n`);
        if (result === "wrong") wrong++;
      }
      process.stdout.write(wrong === 0 ? "Everything needed is there.\n" : `${wrong} to put right.\n`);
      process.exitCode = wrong === 0 ? 0 : 1;
    });
}

async function* examine(): AsyncGenerator<Check> {
  yield node();
  yield built();
  for (const [name, use] of Object.entries(NATIVE)) yield native(name, use);
  yield await runsACell();
  yield installed();
  yield browser();
}

function node(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  const note = `${process.versions.node} at ${process.execPath}`;
  return {
    what: "Node",
    result: ok ? "ok" : "wrong",
    note: ok ? note : `${note}; install Node 20.19 or later`,
  };
}

function built(): Check {
  const ok = existsSync(SERVER);
  return { what: "built files", result: ok ? "ok" : "wrong", note: ok ? SERVER : "run npm run build" };
}

/** Loaded in a process of its own: a broken native package may take its process down. */
function native(name: string, use: string): Check {
  const code = `await import(${JSON.stringify(name)})`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: packageRoot,
    encoding: "utf8",
  });
  if (status === 0) return { what: name, result: "ok", note: use };
  const why = /^\w*Error.*$/m.exec(stderr)?.[0] ?? `ended with ${status}`;
  return { what: name, result: "wrong", note: `${use} will not work (${why}); run npm ci again` };
}

async function runsACell(): Promise<Check> {
  const folder = mkdtempSync(join(tmpdir(), "assay-doctor-"));
  try {
    const { startKernel } = await import("../client/index.js");
    const kernel = await startKernel({ cwd: folder });
    const { status, evalue } = await kernel.execute("const answer: number = 6 * 7; answer");
    await kernel.dispose();
    return {
      what: "a cell",
      result: status === "ok" ? "ok" : "wrong",
      note: evalue ?? "a kernel starts and runs TypeScript",
    };
  } catch (error) {
    return { what: "a cell", result: "wrong", note: (error as Error).message };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function installed(): Check {
  const what = "kernelspec";
  const folder = specFolder({ name: "assay" });
  const program = readSpec(folder)?.argv?.[0];
  if (program === undefined)
    return { what, result: "missing", note: "for other Jupyter front ends run assay install" };
  if (existsSync(program)) return { what, result: "ok", note: folder };
  return {
    what,
    result: "wrong",
    note: `${folder} names ${program}, which is gone; run assay install again`,
  };
}

function browser(): Check {
  const what = "browser";
  const folders = (process.env["PATH"] ?? "").split(process.platform === "win32" ? ";" : ":");
  const found = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
  if (found) return { what, result: "ok", note: found };
  return {
    what,
    result: "missing",
    note: "PDF export needs Chromium or Chrome; everything else works without",
  };
}

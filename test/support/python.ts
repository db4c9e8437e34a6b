/** Runs Python peers, where they are installed, with a Jupyter that knows our kernel. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assay } from "./cli.js";

/** Debian's own Python, whichever other one is first on the path. */
export const PYTHON = "/usr/bin/python3";

/** Whether Debian's Python has these modules; says loudly which are missing. */
export function hasPython(...modules: string[]): boolean {
  const code = `import ${modules.join(", ")}`;
  if (spawnSync(PYTHON, ["-c", code]).status === 0) return true;
  console.log(`      SKIPPED: ${PYTHON} lacks one of ${modules.join(", ")}; .ci/run installs them`);
  return false;
}

/** A folder of Jupyter data in which our kernel is installed. */
export class JupyterFolder {
  readonly path = mkdtempSync(join(tmpdir(), "assay-jupyter-"));

  constructor() {
    const { status, stderr } = assay(["install", "--prefix", this.path]);
    if (status !== 0) throw new Error(`assay install failed: ${stderr}`);
  }

  /** Runs Python to its end; resolves to what it printed. */
  python(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(PYTHON, args, {
      cwd: this.path,
      env: {
        ...process.env,
        JUPYTER_PATH: join(this.path, "share/jupyter"),
        JUPYTER_DATA_DIR: join(this.path, "data"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assay, command } from "../../support/cli.js";
import { packageRoot } from "../../support/paths.js";

describe("assay lab", () => {
  let folder: string;
  let environment: NodeJS.ProcessEnv;
  before(function () {
    if (!existsSync(join(packageRoot, "dist/lab-ui/manifest.json"))) {
      process.stderr.write("SKIPPED: the front end is not built; run node kernel/cli/setup.mjs --lab.\n");
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "assay-cli-lab-"));
    environment = { ...process.env, XDG_DATA_HOME: folder, DISPLAY: "", WAYLAND_DISPLAY: "", BROWSER: "" };
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** Starts a lab and waits for its line. */
  const start = async (...args: string[]) => {
    const child = spawn(process.execPath, [command, "lab", folder, ...args], { env: environment });
    const said = { stdout: "", stderr: "" };
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said.stderr += text;
    });
    for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      said.stdout += text;
      if (said.stdout.includes("\n")) break;
    }
    const url = /^Assay Lab: (http:\/\/127\.0\.0\.1:\d+\/lab\?token=\S+)\n$/.exec(said.stdout)?.[1];
    assert.ok(url, JSON.stringify(said));
    return { child, said, url: new URL(url) };
  };
  const end = async (child: ChildProcess) => {
    const exit = once(child, "exit");
    child.kill("SIGINT");
    return (await exit)[0];
  };

  it("prints one line with an address that opens, and ends cleanly with its kernels at Ctrl-C", async () => {
    const { child, said, url } = await start("--no-open", "--token", "t0ken");
    assert.equal(url.searchParams.get("token"), "t0ken");
    assert.equal((await fetch(url)).status, 200);
    const headers = { Authorization: "token t0ken" };
    const kernels = new URL("/api/kernels", url);
    const started = await fetch(kernels, { method: "POST", headers, body: "{}" });
    assert.equal(started.status, 201);
    assert.equal(await end(child), 0);
    assert.equal(said.stderr, "");
    await assert.rejects(fetch(kernels, { headers }));
  });

  it("says in one line that there is no browser to open", async function () {
    if (process.platform !== "linux") return this.skip();
    const { child, said } = await start();
    while (!said.stderr.includes("\n")) await once(child.stderr!, "data");
    assert.match(said.stderr, /^assay: found no browser to open; [^\n]+\n$/);
    assert.equal(await end(child), 0);
  });

  it("exits with 2 and one line when the port is in use or the folder is missing", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const run = (...args: string[]) => assay(["lab", ...args], { env: environment });
    const taken = run(folder, "--port", String(port), "--no-open");
    blocker.close();
    assert.deepEqual([taken.status, taken.stdout], [2, ""]);
    assert.match(taken.stderr, /^assay: lab: port \d+ is in use [^\n]+\n$/);
    const missing = run(join(folder, "missing"), "--no-open");
    assert.deepEqual([missing.status, missing.stdout], [2, ""]);
    assert.match(missing.stderr, /^assay: lab: there is no folder [^\n]+\n$/);
    assert.equal(run(folder, "--port", "many").status, 2);
  });
});

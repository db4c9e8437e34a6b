import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KernelClient, startKernel } from "../../../kernel/client/index.js";
import { outputsOf } from "../../support/outputs.js";

describe("kernel client", () => {
  let folder: string;
  let kernel: KernelClient;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "assay-test-"));
    kernel = await startKernel({ cwd: folder });
  });
  after(async () => {
    await kernel.dispose();
    rmSync(folder, { recursive: true });
  });

  it("runs a cell and receives its result before the promise settles", async () => {
    const { reply, results } = await outputsOf(kernel, "6 * 7");
    assert.equal(reply.status, "ok");
    assert.deepEqual(results, ["42"]);
  });

  it("loses none of a thousand results", async () => {
    const replies = Array.from({ length: 1000 }, (_, index) => outputsOf(kernel, `${index} + 1`));
    const shown = (await Promise.all(replies)).map(({ results }) => results[0]);
    assert.deepEqual(
      shown,
      Array.from({ length: 1000 }, (_, index) => String(index + 1)),
    );
  });

  it("keeps 20,000 printed lines in far fewer messages", async () => {
    const code = "for (let line = 0; line < 20_000; line++) console.log('line ' + line)";
    const { stdout, messages } = await outputsOf(kernel, code);
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, 20_000);
    assert.equal(lines.at(-1), "line 19999");
    assert.ok(messages.length < 2000, `${messages.length} messages`);
  });

  it("starts a fresh session on restart and stays connected", async () => {
    await kernel.execute("globalThis.kept = 1");
    await kernel.restart();
    const { results } = await outputsOf(kernel, "typeof kept");
    assert.deepEqual(results, ["undefined"]);
  });

  it("says what is wrong when the folder does not exist", async () => {
    await assert.rejects(startKernel({ cwd: join(folder, "missing") }), { code: "FILE_NOT_FOUND" });
  });

  it("lets its program end although a helper of the kernel lives on and holds its pipes", async () => {
    const file = join(folder, "holder");
    const hold = `
      import { spawn } from "node:child_process";
      import { writeFileSync } from "node:fs";
      if (process.argv[1].endsWith("server/main.js")) {
        const { NODE_OPTIONS, ...env } = process.env;
        const stdio = ["ignore", "ignore", "inherit"];
        const holder = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { env, stdio, detached: true });
        writeFileSync(${JSON.stringify(file)}, String(holder.pid));
        holder.unref();
      }`;
    const pipes = () => process.getActiveResourcesInfo().filter((name) => name === "PipeWrap").length;
    const before = pipes();
    const preload = `--import=data:text/javascript,${encodeURIComponent(hold)}`;
    const held = await startKernel({ cwd: folder, env: { NODE_OPTIONS: preload } });
    const holder = Number(readFileSync(file, "utf8"));
    try {
      await held.dispose();
      // Closing takes a turn or two; if it never happens, the time-out of the test tells.
      while (pipes() > before) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.kill(holder, "SIGKILL");
    }
  });

  it("tells everybody who waits when the kernel's process is killed", async () => {
    const doomed = await startKernel({ cwd: folder });
    const { content } = await doomed.request("shell", "kernel_info_request", {});
    assert.equal(content["implementation"], "assay");
    const supervisor = "process.kill(process.ppid, 'SIGKILL'); await new Promise(() => {})";
    await assert.rejects(doomed.execute(supervisor), { code: "KERNEL_DIED" });
    assert.equal((await doomed.exited).signal, "SIGKILL");
    await doomed.dispose();
    await doomed.dispose();
  });
});

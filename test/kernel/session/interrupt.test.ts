import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { type KernelClient, startKernel } from "../../../kernel/client/index.js";
import { outputsOf } from "../../support/outputs.js";

/** Each cell says that it is running, and never ends by itself. */
const endless: Record<string, string> = {
  "a synchronous loop": "while (true) {}",
  "a loop that catches everything": "while (true) { try { while (true) {} } catch {} }",
  "a pending await": "await new Promise(() => {})",
  "a loop of awaits": "while (true) await null",
  "a blocking wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  "a loop after an await": "await new Promise((resolve) => setTimeout(resolve, 1)); while (true) {}",
  "a loop in a timer": "await new Promise(() => setTimeout(() => { while (true) {} }, 1))",
  "a loop in a promise job": "await Promise.resolve().then(() => { while (true) {} })",
  "a regular expression that backtracks": "/^(a+)+$/.test('a'.repeat(40) + 'b')",
  "a child process": "require('node:child_process').execSync('sleep 600')",
};

describe("interrupt", () => {
  let kernel: KernelClient;

  before(async () => {
    kernel = await startKernel({ cwd: tmpdir() });
  });
  after(() => kernel.dispose());

  for (const [what, code] of Object.entries(endless)) {
    it(`stops ${what}, shows the error and keeps the variables`, async () => {
      await kernel.execute("let kept = 41");
      const start = performance.now();
      let interrupted = false;
      const stopped = await outputsOf(kernel, `console.log("running");\n${code}`, {
        onOutput: (message) => {
          if (message.header.msg_type !== "stream" || interrupted) return;
          interrupted = true;
          setTimeout(() => void kernel.interrupt(), 20);
        },
      });
      if (process.env["SHOW_TIMES"]) console.log("      ", performance.now() - start);
      assert.equal(stopped.reply.status, "error");
      assert.equal(stopped.errors[0]?.["ename"], "KeyboardInterrupt");
      const { results, stderr } = await outputsOf(kernel, "kept + 1");
      assert.deepEqual(results, ["42"]);
      assert.equal(stderr, "");
    });
  }

  it("does no harm while nothing runs", async () => {
    await kernel.execute("let kept = 41");
    await kernel.interrupt();
    await kernel.interrupt();
    assert.deepEqual((await outputsOf(kernel, "kept + 1")).results, ["42"]);
  });
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { packageRoot } from "../../support/paths.js";
import { hasPython, JupyterFolder } from "../../support/python.js";

const script = join(packageRoot, "test/kernel/server/jupyter_kernel_test_assay.py");

const tests = [
  "clear_output",
  "completion",
  "display_data",
  "error",
  "execute_result",
  "execute_stderr",
  "execute_stdout",
  "history",
  "inspect",
  "is_complete",
  "kernel_info",
  "pager",
];

interface Line {
  readonly test: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly why: string;
}

describe("jupyter_kernel_test", function () {
  this.timeout(120_000);
  let lines: readonly Line[] = [];

  before(async function () {
    if (!hasPython("jupyter_kernel_test")) this.skip();
    const jupyter = new JupyterFolder();
    const { stdout, stderr } = await jupyter.python([script]);
    jupyter.remove();
    lines = stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);
    assert.ok(lines.length >= tests.length, stderr);
  });

  for (const name of tests) {
    it(`passes its test of ${name}`, () => {
      const own = lines.filter(({ test }) => test === `test_${name}`);
      assert.deepEqual(
        own.map(({ outcome, why }) => `${outcome} ${why}`.trim()),
        ["passed"],
      );
    });
  }
});

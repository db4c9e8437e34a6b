import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../support/paths.js";

const module = pathToFileURL(join(packageRoot, "dist/kernel/cli/patience.js")).href;

/** Standard error of a process that says so if `work` takes long, with a clock of 300 ms. */
const heard = (work: string): string =>
  spawnSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { sayIfLong } from ${JSON.stringify(module)};
       const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
       const patience = sayIfLong("the first runs", 300);
       ${work}
       patience[Symbol.dispose]();`,
    ],
    { encoding: "utf8" },
  ).stderr;

describe("assay audit's patience", function () {
  this.timeout(60_000);

  it("is told while a run holds the thread up", () => {
    // The thread of the clock takes a while to start on a busy machine: a longer run then.
    const said = [1000, 4000, 16_000].map((ms) => () => heard(`sleep(${ms});`));
    const words = said.reduce((text, again) => (text === "" ? again() : text), "");
    assert.match(words, /assay: the first runs: \d+ s so far\. .* Ctrl-C ends the audit\.\n/);
  });

  it("is silent about what is over soon, and keeps no process alive", () => {
    assert.equal(heard(""), "");
  });
});

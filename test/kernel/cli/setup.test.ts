import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../support/paths.js";

describe("the set-up of a clone", function () {
  this.timeout(60_000);
  let root: string;
  const lock = () => join(root, "dist/.set-up-lock");
  const setUp = () =>
    spawnSync(process.execPath, [join(root, "kernel/cli/setup.mjs")], { encoding: "utf8", timeout: 30_000 });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "assay-set-up-"));
    for (const folder of ["lib", "kernel/cli", "test", "dist", "node_modules/typescript/bin"]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await cp(join(packageRoot, "kernel/cli/setup.mjs"), join(root, "kernel/cli/setup.mjs"));
    await writeFile(join(root, "tsconfig.base.json"), "{}");
    await writeFile(join(root, "dist/.stamp-install"), "nothing installed");
    await writeFile(join(root, "node_modules/typescript/bin/tsc"), "");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("builds once, and does nothing when there is nothing to do", () => {
    assert.match(setUp().stderr, /assay: build done/);
    assert.equal(setUp().stderr, "");
  });

  for (const [left, content] of [
    ["an empty lock, as a full disk or a kill leaves it", ""],
    ["the lock of a process that is gone", "4194304999"],
  ] as const) {
    it(`goes on past ${left}`, async () => {
      await writeFile(lock(), content);
      const before = new Date(Date.now() - 60_000);
      await utimes(lock(), before, before);
      const { status, stderr } = setUp();
      assert.equal(status, 0, stderr);
      assert.match(stderr, /assay: build done/);
      assert.ok(!existsSync(lock()));
    });
  }

  it("leaves no lock behind where the disk is full", async function () {
    if (process.platform === "win32") this.skip();
    const { status } = spawnSync(
      "bash",
      ["-c", 'ulimit -f 0; exec "$0" "$1"', process.execPath, join(root, "kernel/cli/setup.mjs")],
      { encoding: "utf8" },
    );
    assert.equal(status, 1);
    assert.ok(!existsSync(lock()));
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { assay } from "../../support/cli.js";

describe("assay install", () => {
  let prefix: string;
  const spec = (name: string) => join(prefix, "share/jupyter/kernels", name, "kernel.json");

  beforeEach(() => {
    prefix = mkdtempSync(join(tmpdir(), "assay-install-"));
  });
  afterEach(() => rmSync(prefix, { recursive: true }));

  it("writes a kernelspec with absolute paths and interrupts as messages", () => {
    assert.equal(assay(["install", "--prefix", prefix]).status, 0);
    const { argv, language, interrupt_mode } = JSON.parse(readFileSync(spec("assay"), "utf8")) as {
      argv: string[];
      language: string;
      interrupt_mode: string;
    };
    assert.equal(language, "typescript");
    assert.equal(interrupt_mode, "message");
    assert.equal(argv[0], process.execPath);
    assert.ok(isAbsolute(argv[1]!) && existsSync(argv[1]!));
    assert.equal(argv[2], "{connection_file}");
  });

  it("takes another name, and removes what it wrote", () => {
    assay(["install", "--prefix", prefix, "--name", "assay-next"]);
    assert.ok(existsSync(spec("assay-next")));
    assert.equal(assay(["uninstall", "--prefix", prefix, "--name", "assay-next"]).status, 0);
    assert.ok(!existsSync(spec("assay-next")));
  });

  it("does not remove the kernelspec of another kernel", () => {
    mkdirSync(join(prefix, "share/jupyter/kernels/python3"), { recursive: true });
    writeFileSync(spec("python3"), JSON.stringify({ argv: ["python"], display_name: "Python 3" }));
    const { status, stderr } = assay(["uninstall", "--prefix", prefix, "--name", "python3"]);
    assert.equal(status, 2);
    assert.match(stderr, /^assay: .*another kernel, "Python 3"/);
    assert.ok(existsSync(spec("python3")));
  });

  it("refuses a name that is a path, and --user together with --prefix", () => {
    for (const args of [
      ["--name", "../escape", "--prefix", prefix],
      ["--user", "--prefix", prefix],
    ]) {
      const { status, stderr } = assay(["install", ...args]);
      assert.equal(status, 2);
      assert.match(stderr, /^assay: [^\n]*\n$/);
    }
  });

  it("says with one line that the folder cannot be written", () => {
    writeFileSync(join(prefix, "share"), "a file in the way");
    const { status, stderr } = assay(["install", "--prefix", prefix]);
    assert.equal(status, 2);
    assert.match(stderr, /^assay: The kernelspec cannot be written: [^\n]*\n$/);
  });
});

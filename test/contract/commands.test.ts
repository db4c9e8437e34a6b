import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assay as run } from "../support/cli.js";
import { packageRoot } from "../support/paths.js";

const assay = (...args: string[]) => run(args, { cwd: packageRoot });

/** What a person must never see for a mistake of their own: frames of our code. */
const stackFrame = /^\s+at .*(?:dist|node_modules)\//m;

describe("the command line's contract", () => {
  for (const command of [
    "lab",
    "run",
    "export",
    "check",
    "lock",
    "audit",
    "scan",
    "install",
    "uninstall",
    "doctor",
  ]) {
    it(`assay ${command} --help shows examples`, () => {
      const { status, stdout } = assay(command, "--help");
      assert.equal(status, 0);
      assert.match(stdout, /Example/);
      assert.match(stdout, new RegExp(`assay ${command}`));
    });
  }

  for (const [title, args, named] of [
    ["an unknown command", ["frobnicate"], /frobnicate/],
    ["an unknown option", ["run", "--frobnicate", "x.ipynb"], /--frobnicate/],
    ["a missing argument", ["run"], /notebook/],
    ["a notebook that does not exist", ["run", "no-such.ipynb"], /no-such\.ipynb/],
    ["a model that does not exist", ["scan", "--coverage", "no-such.onnx"], /no-such\.onnx/],
  ] as const) {
    it(`ends with 2 and one clear message for ${title}`, () => {
      const { status, stdout, stderr } = assay(...args);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, named);
      assert.doesNotMatch(stderr, stackFrame);
    });
  }

  describe("with files of strangers", () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "assay-"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const file = (name: string, content: string | Uint8Array): string => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };

    for (const [title, name, content] of [
      ["not JSON", "text.ipynb", "hello"],
      ["JSON, but not a notebook", "object.ipynb", '{"a": 1}'],
      ["an empty file", "empty.ipynb", ""],
    ] as const) {
      it(`assay run and assay export refuse a notebook that is ${title}`, () => {
        for (const args of [["run"], ["export", "--to", "html"]]) {
          const path = file(name, content);
          const { status, stderr } = assay(...args, path, "-o", join(folder, "out"));
          assert.equal(status, 2, stderr);
          assert.match(stderr, new RegExp(name));
          assert.doesNotMatch(stderr, stackFrame);
          assert.equal(readFileSync(path, "utf8"), content);
        }
      });
    }

    for (const [title, bytes] of [
      ["not ONNX", Buffer.from("PK\u0003\u0004 not a model")],
      ["truncated", readFileSync(join(packageRoot, "notebooks/models/fashion-cnn.onnx")).subarray(0, 5000)],
      ["empty", Buffer.alloc(0)],
    ] as const) {
      it(`assay scan and assay audit refuse a model that is ${title}`, () => {
        const path = file("m.onnx", bytes);
        for (const args of [
          ["scan", "--coverage", path],
          ["audit", path, "--data", join(packageRoot, "notebooks/data/fashion-mnist.npz")],
        ]) {
          const { status, stdout, stderr } = assay(...args);
          assert.equal(status, 2, stderr);
          assert.equal(stdout, "");
          assert.match(stderr, /m\.onnx/);
          assert.doesNotMatch(stderr, stackFrame);
        }
      });
    }
  });
});

describe("the set-up's contract", () => {
  it("does nothing and says nothing when nothing changed", () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(packageRoot, "kernel/cli/setup.mjs"), "--lab"],
      { encoding: "utf8" },
    );
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
  });
});

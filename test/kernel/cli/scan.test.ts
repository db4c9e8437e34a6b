import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { graphBackdoor } from "../../../lib/attacks/index.js";
import { decodeFile, encodeModel, graphBuilder, type ModelScan, makeNode } from "../../../lib/onnx/index.js";
import { assay } from "../../support/cli.js";
import { packageRoot } from "../../support/paths.js";

describe("assay scan --coverage", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  after(() => rmSync(folder, { recursive: true }));
  const scan = (...args: string[]) => assay(["scan", ...args]);
  const file = join(folder, "m.onnx");
  before(() => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 3]);
    builder.node(makeNode("Relu", ["x"], ["a"]));
    builder.node(makeNode("NonMaxSuppression", ["a", "a"], ["kept"]));
    builder.node(makeNode("Hardmax", ["a"], ["y"]));
    builder.output("y");
    writeFileSync(file, encodeModel(builder.build()));
  });

  it("tells which operators gradients can pass, the refused ones first and by node", () => {
    const { status, stdout } = scan("--coverage", file);
    assert.equal(status, 0);
    const [head, ...lines] = stdout.trimEnd().split("\n");
    assert.match(head!, /gradients cannot pass 1 of 3 nodes/);
    assert.match(lines[0]!, /Hardmax +1 {2}none \(y\)/);
    assert.match(stdout, /Relu +1 {2}rule/);
    assert.match(stdout, /NonMaxSuppression +1 {2}nothing flows/);
  });

  it("writes JSON alone to standard output", () => {
    const { models } = JSON.parse(scan("--coverage", "--json", "-", file).stdout) as {
      models: { nodes: number; refused: number }[];
    };
    assert.deepEqual(
      models.map(({ nodes, refused }) => [nodes, refused]),
      [[3, 1]],
    );
  });

  it("ends with one line and exit code 2 for a file that is no model", () => {
    const bad = join(folder, "bad.onnx");
    writeFileSync(bad, "not a model");
    for (const path of [bad, join(folder, "missing.onnx")]) {
      const { status, stdout, stderr } = scan("--coverage", path);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, /^assay: .*\n$/);
    }
  });
});

describe("assay scan", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  after(() => rmSync(folder, { recursive: true }));
  const clean = join(packageRoot, "notebooks/models/fashion-cnn.onnx");
  const bad = join(folder, "bad.onnx");
  const planted = join(folder, "planted.onnx");
  before(() => {
    writeFileSync(bad, "not a model");
    writeFileSync(
      planted,
      encodeModel(graphBackdoor(decodeFile(clean), { style: "where", target: 3, classes: 10 })),
    );
  });

  it("names rule, node and reason of a backdoor, and says nothing of a model without", () => {
    const { status, stdout, stderr } = assay(["scan", clean, planted]);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /fashion-cnn\.onnx: nothing found/);
    assert.match(stdout, /flag {2}constant-payload at Where~0: part of the input decides/);
  });

  it("scans the good files beside a bad one, names the bad one and ends with 2", () => {
    const { status, stdout, stderr } = assay(["scan", clean, bad, planted, "--json", "-"]);
    assert.equal(status, 2);
    assert.match(stderr, /^assay: .*bad\.onnx.*\n$/);
    const { kind, models } = JSON.parse(stdout) as ModelScan;
    assert.equal(kind, "scan");
    assert.deepEqual(
      models.map(({ file, findings }) => [file, findings[0]?.severity]),
      [
        [clean, undefined],
        [planted, "flag"],
      ],
    );
    for (const { sha256 } of models) assert.match(sha256, /^[0-9a-f]{64}$/);
    for (const key of ["rule", "severity", "node", "why", "witness"])
      assert.ok(key in models[1]!.findings[0]!);
  });

  it("lets no name in a file reach the terminal as more than text", () => {
    const codes = "\u001b[31m\u001b]0;owned\u0007\u009b2J\u202e";
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 3]);
    builder.node({ ...makeNode("Add", ["x", `q${codes}`], [`q${codes}`]), name: `n${codes}` });
    builder.node(makeNode("Relu", [`q${codes}`], ["y"]));
    builder.output("y");
    const path = join(folder, "escapes.onnx");
    writeFileSync(path, encodeModel(builder.build()));
    const { status, stdout, stderr } = assay(["scan", path]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^assay: .*has a cycle through Add "n\ufffd\[31m.*\n$/);
    assert.doesNotMatch(stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("does not wait for a device or a pipe", () => {
    const { status, stderr } = assay(["scan", "/dev/zero"]);
    assert.deepEqual([status, stderr], [2, 'assay: "/dev/zero" is not a file.\n']);
  });

  it("and every other command describe themselves in one sentence and begin errors with assay:", () => {
    const commands = [
      "audit",
      "check",
      "doctor",
      "export",
      "install",
      "lab",
      "lock",
      "run",
      "scan",
      "uninstall",
    ];
    for (const command of commands) {
      const [, description] = assay([command, "--help"]).stdout.split("\n\n");
      assert.match(description!.replace(/\s+/g, " "), /^[A-Z][^.]*(?:\.(?! [A-Z])[^.]*)*\.$/, command);
    }
    for (const args of [["frobnicate"], ["scan", "--frobnicate", clean], ["scan"]]) {
      const { status, stderr } = assay([...args]);
      assert.equal(status, 2);
      assert.match(stderr, /^assay: /);
    }
  });
});

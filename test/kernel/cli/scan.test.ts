import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, graphBuilder, makeNode } from "../../../lib/onnx/index.js";
import { packageRoot } from "../../support/paths.js";

describe("assay scan --coverage", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  after(() => rmSync(folder, { recursive: true }));
  const scan = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(packageRoot, "kernel/cli/assay.mjs"), "scan", ...args], {
      encoding: "utf8",
    });
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

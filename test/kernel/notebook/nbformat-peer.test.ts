import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { runNotebook } from "../../../kernel/notebook/run.js";
import { hasPython, PYTHON } from "../../support/python.js";
import { code, markdown, Scratch } from "./support.js";

const script = `
import sys, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
sys.stdout.buffer.write((nbformat.writes(notebook) + "\\n").encode())
`;

describe("a notebook that assay run saved", () => {
  it("is valid for Python's nbformat and comes back from it byte for byte", async function () {
    if (!hasPython("nbformat")) return this.skip();
    using scratch = new Scratch(
      markdown("# Titel äöü"),
      code("const seed = 1;", "parameters"),
      code("console.log('x\\ny'); [{ a: 0.5, b: 'c' }]"),
      code("({ kind: 'figure', data: [{ y: [1, 2] }], layout: {}, description: 'A line.' })"),
      code("throw new Error('late')", "raises-exception"),
    );
    const output = scratch.path("out.ipynb");
    await runNotebook(scratch.file, { output, parameters: { seed: 2 } });
    const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", script, output], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, readFileSync(output, "utf8"));
  });
});

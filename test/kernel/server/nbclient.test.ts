import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../support/paths.js";
import { hasPython, JupyterFolder } from "../../support/python.js";

const script = join(packageRoot, "test/kernel/server/nbclient_assay.py");

describe("a notebook saved by nbclient", function () {
  this.timeout(300_000);
  let jupyter: JupyterFolder;

  before(function () {
    if (!hasPython("nbclient", "nbconvert")) this.skip();
    jupyter = new JupyterFolder();
  });
  after(() => jupyter?.remove());

  it("keeps 20,000 printed lines, 251 results after them, and 1,000 results of 1,000 cells", async () => {
    const { stdout, stderr } = await jupyter.python([script]);
    assert.notEqual(stdout, "", stderr);
    assert.deepEqual(JSON.parse(stdout), {
      lines: 20_000,
      last: "line 19999",
      resultsAfter: 251,
      results: 1000,
    });
  });

  it("comes out of jupyter nbconvert --execute through the installed kernelspec", async () => {
    const cell = (source: string) => ({
      cell_type: "code",
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    });
    const notebook = {
      cells: [cell("const a: number = 41"), cell("a + 1")],
      metadata: { kernelspec: { name: "assay", display_name: "Assay (TypeScript)", language: "typescript" } },
      nbformat: 4,
      nbformat_minor: 4,
    };
    const file = join(jupyter.path, "in.ipynb");
    writeFileSync(file, JSON.stringify(notebook));
    const args = ["-m", "nbconvert", "--to", "notebook", "--execute", file, "--output", "out"];
    const { code, stderr } = await jupyter.python(args);
    assert.equal(code, 0, stderr);
    const saved = JSON.parse(readFileSync(join(jupyter.path, "out.ipynb"), "utf8")) as typeof notebook;
    const [output] = saved.cells[1]!.outputs as { data: Record<string, string | string[]> }[];
    assert.equal([output!.data["text/plain"]].flat().join(""), "42");
  });
});

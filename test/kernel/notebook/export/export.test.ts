import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findBrowser } from "../../../../kernel/notebook/export/browser.js";
import { exportNotebook } from "../../../../kernel/notebook/export/index.js";
import { notebookMarkdown } from "../../../../kernel/notebook/export/markdown.js";
import { notebookScript } from "../../../../kernel/notebook/export/script.js";
import { readNotebook } from "../../../../kernel/notebook/read.js";
import { code, markdown, notebookOf, Scratch, shown } from "../support.js";

const figure = shown({
  output_type: "display_data",
  data: {
    "application/vnd.plotly.v1+json": { data: [] },
    "image/png": "AAAA",
    "text/plain": "A [figure]\nof `nothing`",
  },
  metadata: {},
});

describe("exporting a notebook", () => {
  it("to TypeScript keeps code as it is and text as comments", () => {
    assert.equal(
      notebookScript(notebookOf(markdown("# T\n\ntext"), code("const a = 1;\n", "parameters"))),
      '// %% [markdown]\n// # T\n//\n// text\n\n// %% tags=["parameters"]\nconst a = 1;\n',
    );
  });

  it("to Markdown embeds pictures and fences the rest", () => {
    const stream = shown({
      output_type: "stream",
      name: "stdout",
      text: "\u001b[31mred\u001b[0m ``` fence\n",
    });
    assert.equal(
      notebookMarkdown(notebookOf(markdown("# T"), figure, stream), { withInput: false }),
      "# T\n\n![A figure of nothing](data:image/png;base64,AAAA)\n\n````text\nred ``` fence\n````\n",
    );
  });

  it("to a notebook leaves out what was asked for, and stays valid", async () => {
    using scratch = new Scratch();
    const output = scratch.path("static.ipynb");
    await exportNotebook(notebookOf(figure), {
      to: "ipynb",
      output,
      name: "nb.ipynb",
      plots: "static",
      withInput: false,
    });
    const [cell] = (await readNotebook(output)).cells;
    assert.ok(cell?.cell_type === "code");
    assert.deepEqual(cell.metadata, { jupyter: { source_hidden: true } });
    assert.deepEqual(Object.keys((cell.outputs[0] as { data: object }).data), ["image/png", "text/plain"]);
  });

  it("to PDF prints the page with a browser that is there", async function () {
    if (findBrowser() === undefined) {
      console.warn("skipped: no Chromium, Chrome or Edge was found");
      return this.skip();
    }
    using scratch = new Scratch();
    const output = scratch.path("nb.pdf");
    await exportNotebook(notebookOf(markdown("# Title"), code("1")), { to: "pdf", output, name: "nb.ipynb" });
    assert.equal(readFileSync(output, "latin1").slice(0, 5), "%PDF-");
  });

  it("to PDF says what is missing when there is no browser", async () => {
    using scratch = new Scratch();
    const before = process.env["CHROME_PATH"];
    process.env["CHROME_PATH"] = scratch.path("no-browser");
    try {
      await assert.rejects(
        exportNotebook(notebookOf(), { to: "pdf", output: scratch.path("nb.pdf"), name: "nb.ipynb" }),
        { code: "MISSING_DEPENDENCY", message: /no Chromium, Chrome or Edge/ },
      );
    } finally {
      if (before === undefined) delete process.env["CHROME_PATH"];
      else process.env["CHROME_PATH"] = before;
    }
  });

  it("says that a file cannot be written", async () => {
    using scratch = new Scratch();
    await assert.rejects(
      exportNotebook(notebookOf(), { to: "html", output: scratch.path("no/where.html"), name: "nb.ipynb" }),
      { code: "INVALID_ARGUMENT", message: /where\.html cannot be written/ },
    );
  });
});

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../support/paths.js";
import { LabPage } from "./lab-page.js";

describe("the tour in a browser", function () {
  this.timeout(420_000);
  let lab: LabPage;
  before(async function () {
    const opened = await LabPage.open();
    if (!opened) return this.skip();
    lab = opened;
    cpSync(join(packageRoot, "notebooks"), lab.folder, { recursive: true });
  });
  after(() => lab?.dispose());

  it("opens by itself in a new lab, with the saved figures", async () => {
    await lab.visitFirst();
    await lab.page.locator(".lm-TabBar-tabLabel", { hasText: "00-tour.ipynb" }).waitFor();
    await lab.idle();
    await lab.page.locator(".assay-Figure .main-svg").first().waitFor();
  });

  it("runs from top to bottom without an error, accuses the planted class and shows every figure", async () => {
    const { notebook } = lab.readNotebook("00-tour.ipynb");
    const types = notebook.cells.flatMap(({ outputs = [] }) =>
      outputs.map(({ data = {} }) => Object.keys(data)),
    );
    const figures = types.filter((type) => type.includes("application/vnd.plotly.v1+json")).length;
    const pictures = types.filter((type) => type[0] === "image/png").length;
    assert.ok(figures >= 4 && pictures >= 2, `${figures} figures, ${pictures} pictures`);

    await lab.runAll(360_000);
    const errors = lab.page.locator('[data-mime-type="application/vnd.jupyter.error"]');
    assert.deepEqual(await errors.allTextContents(), []);
    await lab.page.waitForFunction(
      ([plots, images]) =>
        document.querySelectorAll(
          ".assay-Figure.js-plotly-plot .main-svg .xaxislayer-above, .assay-Figure .gtitle",
        ).length >= plots! && document.querySelectorAll(".jp-RenderedImage img").length >= images!,
      [figures, pictures],
    );
    assert.equal(await lab.page.locator(".assay-Figure.js-plotly-plot").count(), figures);
    await lab.page.locator(".jp-OutputArea-output", { hasText: /Trigger search in .*backdoored/ }).waitFor();
  });

  it("saves as it was run, and neither asked a stranger nor met an error", async () => {
    await lab.save();
    const { notebook } = lab.readNotebook("00-tour.ipynb");
    const counts = notebook.cells.flatMap(({ cell_type, execution_count }) =>
      cell_type === "code" ? [execution_count] : [],
    );
    assert.deepEqual(
      counts,
      counts.map((_, index) => index + 1),
    );
    assert.deepEqual(lab.strangers, []);
    assert.deepEqual(lab.problems, []);
  });
});

import assert from "node:assert/strict";
import type { Locator } from "playwright-core";
import { LabPage, notebookOf } from "./lab-page.js";

const planted = `<div class="planted">planted<script>window.planted = "script"</script>
<img src="data:," onerror="window.planted = 'onerror'"></div>`;
const figure = {
  data: [{ type: "histogram", x: [1, 2, 2, 3, 3, 3, 4] }, { y: [3, 1, 2] }],
  layout: { title: { text: "Scores" } },
};
const first = notebookOf([
  "# Audit\n\nEuler: $e^{i\\pi} = -1$",
  "const answer: number = 40 + 2;\nanswer",
  `console.log("to the console"); console.error("to the error stream");`,
  `display({ "application/vnd.plotly.v1+json": ${JSON.stringify(figure)}, "text/plain": "A histogram of scores." }, { raw: true });`,
  `display({ "text/html": ${JSON.stringify(planted)} }, { raw: true });`,
]);

describe("the lab in a browser", function () {
  this.timeout(240_000);
  let lab: LabPage;
  before(async function () {
    const opened = await LabPage.open({ "first.ipynb": first });
    if (!opened) return this.skip();
    lab = opened;
    await lab.visit("first.ipynb");
  });
  after(() => lab?.dispose());
  const output = (text: string) => lab.page.locator(".jp-OutputArea-output", { hasText: text });

  it("opens a notebook, with formulas typeset and TypeScript coloured", async () => {
    await lab.page.locator(".jp-MarkdownCell mjx-container").waitFor();
    await lab.page.locator(".jp-KernelName, .jp-Toolbar-kernelName", { hasText: "Assay" }).first().waitFor();
    // A keyword has a class of its own only if the language is known.
    await lab.page
      .locator(".jp-CodeCell .cm-content span", { hasText: /^const$/ })
      .first()
      .waitFor();
    assert.doesNotMatch(lab.page.url(), /token/);
  });

  it("runs all cells and shows results, streams and the figure", async () => {
    await lab.runAll();
    await output("42").first().waitFor();
    await output("to the console").waitFor();
    assert.ok(await output("to the error stream").getAttribute("data-mime-type"));
    const plot = lab.page.locator(".assay-Figure.js-plotly-plot");
    await plot.locator(".main-svg .bars path").first().waitFor();
    assert.equal(await plot.getAttribute("aria-label"), "A histogram of scores.");
    const box = (await plot.boundingBox())!;
    assert.ok(box.width > 500 && box.height > 300, JSON.stringify(box));
  });

  it("does not run what an output has planted", async () => {
    await output("planted").waitFor();
    await lab.page.locator(".planted img").waitFor({ state: "attached" });
    assert.equal(await lab.page.evaluate(() => (window as { planted?: string }).planted), undefined);
    const blocked = lab.problems.splice(0);
    assert.equal(blocked.length, 2);
    for (const problem of blocked) assert.match(problem, /violates the following Content Security Policy/);
  });

  it("saves what is on the screen in Jupyter's own form", async () => {
    await lab.save();
    const { text, notebook } = lab.readNotebook("first.ipynb");
    assert.deepEqual(
      notebook.cells.map(({ execution_count }) => execution_count),
      [undefined, 1, 2, 3, 4],
    );
    assert.deepEqual(notebook.cells[1]!.outputs![0]!.data, { "text/plain": ["42"] });
    assert.deepEqual(notebook.cells[3]!.outputs![0]!.data!["application/vnd.plotly.v1+json"], figure);
    assert.equal(notebook.metadata.language_info?.name, "typescript");
    assert.match(text, /^\{\n "cells": \[\n {2}\{\n {3}"cell_type"/);
    assert.ok(text.endsWith("}\n") && !text.includes("trusted"));
  });

  it("asks before it overwrites what another program has written", async () => {
    const { writeFileSync } = await import("node:fs");
    const { join } = await import("node:path");
    await lab.typeCell("// mine");
    writeFileSync(join(lab.folder, "first.ipynb"), lab.readNotebook("first.ipynb").text.replace("40", "41"));
    await lab.page.keyboard.press("Control+s");
    const dialog = lab.page.locator(".jp-Dialog", { hasText: "File Changed" });
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Overwrite" }).click();
    await lab.page.waitForFunction(() => !document.querySelector(".lm-DockPanel-tabBar .jp-mod-dirty"));
    assert.match(lab.readNotebook("first.ipynb").text, /40 \+ 2/);
  });

  it("completes names with Tab and explains them with Shift-Tab", async () => {
    // JupyterLab says by this class that it has seen the text before the cursor and takes Tab for completion.
    const press = async (cell: Locator, key: string) => {
      await cell.locator(".jp-mod-completer-enabled").first().waitFor();
      await cell.locator(".cm-content").press(key);
    };
    const typed = await lab.typeCell("answer.toF");
    await press(typed, "Tab");
    await lab.page.locator(".jp-Completer-item", { hasText: "toFixed" }).waitFor();
    await lab.page.keyboard.press("Enter");
    await typed.locator(".cm-content", { hasText: "answer.toFixed" }).waitFor();
    const explained = await lab.typeCell("answer");
    await press(explained, "Shift+Tab");
    await lab.page.locator(".jp-Tooltip", { hasText: "const answer: number" }).waitFor();
    await lab.page.keyboard.press("Escape");
    // What is half typed must not be run by a later step.
    for (const cell of [typed, explained]) await cell.locator(".cm-content").fill("");
  });

  it("interrupts an endless loop and keeps the variables", async () => {
    const loop = await lab.runCell("while (true) {}");
    await lab.page.locator('.jp-Notebook-ExecutionIndicator[data-status="busy"]').waitFor();
    await lab.menu("Kernel", "Interrupt Kernel");
    await loop.locator(".jp-OutputArea-output").first().waitFor();
    await lab.idle();
    const kept = await lab.runCell('"kept " + answer');
    await kept.locator(".jp-OutputArea-output", { hasText: "kept 42" }).waitFor();
  });

  it("restarts the kernel: the variables are gone and cells run", async () => {
    await lab.menu("Kernel", "Restart Kernel…");
    // Until the server has restarted it, the old kernel may still look idle, and would take the cell.
    const restarted = lab.page.waitForResponse((answer) => answer.url().includes("/restart"));
    await lab.page.locator(".jp-Dialog").locator("button.jp-mod-accept").click();
    await restarted;
    await lab.idle();
    const fresh = await lab.runCell('"is " + typeof (globalThis as Record<string, unknown>)["answer"]');
    await fresh.locator(".jp-OutputArea-output", { hasText: "is undefined" }).waitFor();
  });

  it("asks for input where a cell does", async () => {
    await lab.runCell('"hello " + (await input("name? "))');
    const box = lab.page.locator(".jp-Stdin-input");
    await box.waitFor();
    await box.fill("Ada");
    await box.press("Enter");
    await output("hello Ada").waitFor();
  });

  it("draws figures for a dark theme when one is chosen", async () => {
    await lab.menu("Settings", "Theme");
    await lab.page.locator(".lm-Menu-itemLabel", { hasText: "JupyterLab Dark" }).click();
    await lab.page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
    const title = lab.page.locator(".assay-Figure .gtitle").first();
    await lab.page.waitForFunction(
      () => getComputedStyle(document.querySelector(".assay-Figure .gtitle")!).fill === "rgb(222, 222, 222)",
    );
    assert.equal(await title.textContent(), "Scores");
  });

  it("names itself, and says whose work it stands on", async () => {
    await lab.menu("Help", "About Assay");
    const dialog = lab.page.locator(".jp-Dialog", { hasText: "not affiliated with Project Jupyter" });
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  });

  it("asks nobody but itself and reports no error", () => {
    assert.deepEqual(lab.strangers, []);
    assert.deepEqual(lab.problems, []);
  });
});

describe("the lab's launcher", function () {
  this.timeout(120_000);
  let lab: LabPage;
  before(async function () {
    const opened = await LabPage.open();
    if (!opened) return this.skip();
    lab = opened;
    await lab.visit();
  });
  after(() => lab?.dispose());

  it("starts a new TypeScript notebook that runs, a cell too that is run before the kernel has started", async () => {
    // JupyterLab gave back unrun what was run until this is answered. It shows the kernel as idle or as starting by then.
    let answer = (): void => undefined;
    const isRun = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await lab.page.route("**/api/sessions?*", async (route) => {
      if (route.request().method() === "POST") await isRun;
      await route.continue();
    });
    const asked = lab.page.waitForRequest(
      (sent) => sent.method() === "POST" && sent.url().includes("/api/sessions"),
    );
    await lab.page.locator('.jp-LauncherCard[title^="Assay (TypeScript)"]').first().click();
    await asked;
    const editor = lab.page.locator(".jp-Notebook .cm-content").first();
    await editor.click();
    await lab.page.keyboard.insertText("[1, 2].map((x) => x * 21)");
    await editor.press("Shift+Enter");
    answer();
    await lab.page.locator(".jp-OutputArea-output", { hasText: "42" }).first().waitFor();
    assert.equal(await lab.page.locator(".jp-LauncherCard", { hasText: "Terminal" }).count(), 0);
    assert.deepEqual(lab.problems, []);
    assert.deepEqual(lab.strangers, []);
  });
});

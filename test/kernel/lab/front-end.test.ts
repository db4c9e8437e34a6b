import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { startLab } from "../../../kernel/lab/index.js";
import { type LabFixture, labFixture } from "./lab-fixture.js";

describe("the lab's page, settings and layouts", () => {
  let fixture: LabFixture;
  before(async () => {
    fixture = await labFixture();
  });
  after(() => fixture.dispose());

  it("opens the tour on a first visit, and the saved layout afterwards", async () => {
    const location = async () => (await fixture.request("GET", "/lab?token=x")).headers.get("location");
    assert.equal(await location(), null);
    writeFileSync(join(fixture.root, "00-tour.ipynb"), "{}");
    assert.equal(await location(), "/lab/tree/00-tour.ipynb?token=x");
    await fixture.request("PUT", "/lab/api/workspaces/default", {
      data: { a: 1 },
      metadata: { id: "default" },
    });
    assert.equal(await location(), null);
  });

  it("stores settings as the user wrote them, comments included", async () => {
    const path = "/lab/api/settings/@jupyterlab/apputils-extension:themes";
    const raw = '{\n  // dark\n  "theme": "JupyterLab Dark"\n}';
    assert.equal((await fixture.request("PUT", path, { raw })).status, 204);
    const stored = (await (await fixture.request("GET", path)).json()) as { raw: string; version: string };
    assert.equal(stored.raw, raw);
    assert.equal(stored.version, "1.2.3");
    const { settings } = (await (await fixture.request("GET", "/lab/api/settings")).json()) as {
      settings: { raw: string; schema: { properties: object } }[];
    };
    assert.deepEqual([settings[0]!.raw, Object.keys(settings[0]!.schema.properties)], [raw, ["theme"]]);
    assert.equal((await fixture.request("PUT", "/lab/api/settings/../../x", { raw })).status, 404);
    assert.equal((await fixture.request("GET", "/lab/api/settings/unknown:plugin")).status, 404);
  });

  it("stores layouts, lists and deletes them", async () => {
    const path = "/lab/api/workspaces/mine";
    const read = async () => ((await (await fixture.request("GET", path)).json()) as { data: unknown }).data;
    assert.deepEqual(await read(), {});
    await fixture.request("PUT", path, { data: { tabs: [1] }, metadata: { id: "mine" } });
    assert.deepEqual(await read(), { tabs: [1] });
    const list = (await (await fixture.request("GET", "/lab/api/workspaces")).json()) as {
      workspaces: { ids: string[] };
    };
    assert.ok(list.workspaces.ids.includes("mine"));
    assert.equal((await fixture.request("DELETE", path)).status, 204);
    assert.deepEqual(await read(), {});
  });

  it("exports a notebook as one file to download", async () => {
    const cells = [{ cell_type: "markdown", id: "a", metadata: {}, source: "# Größe" }];
    const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
    writeFileSync(join(fixture.root, "größe.ipynb"), JSON.stringify(notebook));
    const formats = await (await fixture.request("GET", "/api/nbconvert")).json();
    assert.deepEqual(Object.keys(formats as object).sort(), ["html", "markdown", "pdf", "script"]);
    const page = await fixture.request(
      "GET",
      `/nbconvert/html/${encodeURIComponent("größe.ipynb")}?download=true`,
    );
    assert.equal(
      page.headers.get("content-disposition"),
      "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.html",
    );
    assert.match(await page.text(), /<h1[^>]*>Größe<\/h1>/);
    assert.equal((await fixture.request("GET", "/nbconvert/constructor/x.ipynb")).status, 404);
    assert.equal((await fixture.request("GET", "/nbconvert/html/missing.ipynb")).status, 404);
  });

  it("answers unknown addresses and wrong methods without falling over", async () => {
    assert.equal((await fixture.request("GET", "/api/unknown")).status, 404);
    assert.equal((await fixture.request("DELETE", "/api/me")).status, 405);
    assert.equal((await fixture.request("GET", "/api/contents/%E0%A4%A")).status, 400);
    assert.equal((await fixture.request("GET", "/static/..%2f..%2foutside%2fsecret.txt")).status, 404);
  });

  it("says when it is asked to end", async () => {
    await fixture.request("POST", "/api/shutdown");
    await fixture.lab.shutDown;
  });
});

describe("starting a lab", () => {
  it("takes the next free port, or says that the wanted one is in use", async () => {
    const fixture = await labFixture();
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const options = {
      folder: fixture.root,
      host: "127.0.0.1",
      port,
      isReadOnly: false,
      bundleFolder: join(fixture.base, "bundle"),
      dataFolder: join(fixture.base, "data"),
      version: "0.0.0",
      startKernel: () => Promise.reject(new Error("not needed")),
    };
    await assert.rejects(startLab({ ...options, orNext: false }), { code: "PORT_IN_USE", message: /--port/ });
    const lab = await startLab({ ...options, orNext: true, token: "abc" });
    assert.ok(lab.port > port);
    assert.equal(lab.url, `http://127.0.0.1:${lab.port}/lab?token=abc`);
    await lab.dispose();
    await lab.dispose();
    blocker.close();
    await assert.rejects(startLab({ ...options, folder: "/no/such/folder", orNext: true }), {
      code: "FILE_NOT_FOUND",
    });
    await assert.rejects(startLab({ ...options, bundleFolder: fixture.outside, orNext: true }), {
      code: "MISSING_DEPENDENCY",
    });
    await fixture.dispose();
  });
});

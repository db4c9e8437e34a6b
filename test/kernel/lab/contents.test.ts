import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { ContentModel } from "../../../kernel/lab/contents/read.js";
import { type LabFixture, labFixture } from "./lab-fixture.js";

const notebook = (source: string, outputs: readonly unknown[] = [], trusted = true) => ({
  cells: [{ cell_type: "code", id: "a", execution_count: 1, metadata: { trusted }, source, outputs }],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
});
const html = {
  output_type: "display_data",
  metadata: {},
  data: { "text/html": "<b>\nx</b>", "text/plain": "x" },
};

describe("the lab's contents", () => {
  let fixture: LabFixture;
  before(async () => {
    fixture = await labFixture();
  });
  after(() => fixture.dispose());

  const get = async (path: string) => {
    const response = await fixture.request("GET", `/api/contents/${path}`);
    return { status: response.status, model: (await response.json()) as ContentModel };
  };
  const put = (path: string, body: unknown) => fixture.request("PUT", `/api/contents/${path}`, body);
  const putNotebook = (path: string, content: unknown) =>
    put(path, { type: "notebook", format: "json", content });
  const onDisk = (name: string) => readFileSync(join(fixture.root, name), "utf8");

  it("lists a folder without hidden files", async () => {
    mkdirSync(join(fixture.root, "listed/.hidden"), { recursive: true });
    writeFileSync(join(fixture.root, "listed/a.txt"), "text");
    writeFileSync(join(fixture.root, "listed/b.ipynb"), "{}");
    const { model } = await get("listed");
    const entries = model.content as readonly ContentModel[];
    assert.deepEqual(entries.map(({ name, type, path }) => [name, type, path]).sort(), [
      ["a.txt", "file", "listed/a.txt"],
      ["b.ipynb", "notebook", "listed/b.ipynb"],
    ]);
    assert.equal((await get("listed/.hidden")).status, 404);
  });

  it("reads text as text and anything else as base64", async () => {
    writeFileSync(join(fixture.root, "text.txt"), "grüße");
    writeFileSync(join(fixture.root, "bytes.bin"), Buffer.from([0, 255, 1]));
    assert.equal((await get("text.txt")).model.content, "grüße");
    assert.equal((await get("bytes.bin")).model.content, "AP8B");
    assert.equal((await get("bytes.bin?format=text")).status, 400);
    assert.equal((await get("text.txt?content=0")).model.content, null);
  });

  it("saves notebooks as Jupyter does: sorted keys, lines as arrays, an indent of one, a final newline", async () => {
    assert.equal((await putNotebook("saved.ipynb", notebook("a\nb", [html]))).status, 201);
    assert.equal(
      onDisk("saved.ipynb"),
      `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "a",
   "metadata": {},
   "outputs": [
    {
     "data": {
      "text/html": [
       "<b>\\n",
       "x</b>"
      ],
      "text/plain": [
       "x"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "a\\n",
    "b"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`,
    );
    assert.equal((await putNotebook("saved.ipynb", notebook("a"))).status, 200);
  });

  it("trusts the outputs of a notebook that it saved, and not those of a stranger's", async () => {
    const isTrusted = async (path: string) => {
      const { cells } = (await get(path)).model.content as ReturnType<typeof notebook>;
      return cells[0]!.metadata.trusted;
    };
    await putNotebook("mine.ipynb", notebook("a", [html]));
    assert.equal(await isTrusted("mine.ipynb"), true);
    writeFileSync(join(fixture.root, "stranger.ipynb"), onDisk("mine.ipynb").replace("<b>", "<i>"));
    assert.equal(await isTrusted("stranger.ipynb"), false);
    await putNotebook("untrusted.ipynb", notebook("b", [html], false));
    assert.equal(await isTrusted("untrusted.ipynb"), false);
    await putNotebook("empty.ipynb", notebook("b", [], false));
    assert.equal(await isTrusted("empty.ipynb"), true);
  });

  it("tells a change on disk by hash and time, so that the front end can ask before overwriting", async () => {
    await putNotebook("conflict.ipynb", notebook("mine"));
    const before = (await get("conflict.ipynb?content=0&hash=1")).model;
    assert.match(before.hash!, /^[0-9a-f]{64}$/);
    assert.equal(before.hash_algorithm, "sha256");
    writeFileSync(join(fixture.root, "conflict.ipynb"), JSON.stringify(notebook("theirs")));
    const after = (await get("conflict.ipynb?content=0&hash=1")).model;
    assert.notEqual(after.hash, before.hash);
    assert.ok(Date.parse(after.last_modified) >= Date.parse(before.last_modified));
  });

  it("answers a file that is no notebook with one clear message", async () => {
    writeFileSync(join(fixture.root, "broken.ipynb"), "not json");
    const { status, model } = await get("broken.ipynb");
    assert.equal(status, 400);
    assert.match((model as unknown as { message: string }).message, /^"broken\.ipynb": .*JSON/);
    assert.equal((await putNotebook("bad.ipynb", { cells: "none" })).status, 400);
    assert.ok(!existsSync(join(fixture.root, "bad.ipynb")));
  });

  it("keeps a checkpoint and restores it", async () => {
    await putNotebook("point.ipynb", notebook("first"));
    const made = await fixture.request("POST", "/api/contents/point.ipynb/checkpoints");
    assert.equal(made.status, 201);
    const first = onDisk("point.ipynb");
    assert.equal(onDisk(".ipynb_checkpoints/point-checkpoint.ipynb"), first);
    await putNotebook("point.ipynb", notebook("second"));
    const { id } = (
      (await (await fixture.request("GET", "/api/contents/point.ipynb/checkpoints")).json()) as [
        { id: string },
      ]
    )[0];
    assert.equal((await fixture.request("POST", `/api/contents/point.ipynb/checkpoints/${id}`)).status, 204);
    assert.equal(onDisk("point.ipynb"), first);
    assert.equal(
      (await fixture.request("DELETE", `/api/contents/point.ipynb/checkpoints/${id}`)).status,
      204,
    );
    assert.equal((await fixture.request("POST", `/api/contents/point.ipynb/checkpoints/${id}`)).status, 404);
  });

  it("creates, copies, renames and deletes, and never overwrites by a rename", async () => {
    const create = async (body: unknown) => {
      const response = await fixture.request("POST", "/api/contents/drafts", body);
      return { status: response.status, path: ((await response.json()) as ContentModel).path };
    };
    mkdirSync(join(fixture.root, "drafts"));
    assert.deepEqual(await create({ type: "notebook" }), { status: 201, path: "drafts/Untitled.ipynb" });
    assert.deepEqual(await create({ type: "notebook" }), { status: 201, path: "drafts/Untitled 1.ipynb" });
    assert.deepEqual(await create({ type: "file", ext: ".ts" }), { status: 201, path: "drafts/untitled.ts" });
    assert.deepEqual(await create({ copy_from: "drafts/Untitled.ipynb" }), {
      status: 201,
      path: "drafts/Untitled-Copy1.ipynb",
    });
    const rename = (from: string, path: string) =>
      fixture.request("PATCH", `/api/contents/${from}`, { path });
    assert.equal((await rename("drafts/untitled.ts", "drafts/renamed.ts")).status, 200);
    assert.equal((await rename("drafts/renamed.ts", "drafts/Untitled.ipynb")).status, 409);
    assert.equal((await fixture.request("DELETE", "/api/contents/drafts")).status, 400);
    assert.equal((await fixture.request("DELETE", "/api/contents/drafts/renamed.ts")).status, 204);
    assert.deepEqual(readdirSync(join(fixture.root, "drafts")).sort(), [
      "Untitled 1.ipynb",
      "Untitled-Copy1.ipynb",
      "Untitled.ipynb",
    ]);
  });

  it("puts an upload in parts together", async () => {
    const part = (chunk: number, content: string) =>
      put("upload.bin", {
        type: "file",
        format: "base64",
        chunk,
        content: Buffer.from(content).toString("base64"),
      });
    await part(1, "one ");
    await part(2, "two ");
    await part(-1, "three");
    assert.equal(onDisk("upload.bin"), "one two three");
  });

  it("follows no link out of its folder, to read or to write", async () => {
    symlinkSync(fixture.outside, join(fixture.root, "link"));
    symlinkSync(join(fixture.outside, "secret.txt"), join(fixture.root, "secret-link.txt"));
    symlinkSync(join(fixture.outside, "new.txt"), join(fixture.root, "dangling.txt"));
    for (const path of ["link", "link/secret.txt", "secret-link.txt"]) {
      assert.equal((await get(path)).status, 404, path);
      assert.equal((await fixture.request("GET", `/files/${path}`)).status, 404, path);
    }
    const file = { type: "file", format: "text", content: "x" };
    assert.equal((await put("link/new.txt", file)).status, 404);
    assert.equal((await put("secret-link.txt", file)).status, 404);
    await put("dangling.txt", { ...file, chunk: 2 });
    await put("dangling.txt", file);
    assert.deepEqual(readdirSync(fixture.outside), ["secret.txt"]);
    assert.equal(readFileSync(join(fixture.outside, "secret.txt"), "utf8"), "secret");
    assert.equal((await fixture.request("POST", "/api/contents/link", { type: "file" })).status, 404);
    assert.equal(
      (await fixture.request("PATCH", "/api/contents/text.txt", { path: "link/t.txt" })).status,
      404,
    );
    const { model } = await get("");
    assert.ok(!(model.content as readonly ContentModel[]).some(({ name }) => name === "link"));
  });

  it("moves and deletes a link itself, not what it points to", async () => {
    writeFileSync(join(fixture.root, "target.txt"), "kept");
    symlinkSync("target.txt", join(fixture.root, "alias.txt"));
    const moved = await fixture.request("PATCH", "/api/contents/alias.txt", { path: "moved-alias.txt" });
    assert.equal(moved.status, 200);
    assert.equal((await fixture.request("DELETE", "/api/contents/moved-alias.txt")).status, 204);
    assert.equal(onDisk("target.txt"), "kept");
  });

  it("finds nothing outside its folder by any spelling of a path", async () => {
    const piece = fc.constantFrom(
      "..",
      "%2e%2e",
      "..%2f",
      "%2e%2e%2foutside",
      "outside",
      "secret.txt",
      ".",
      "%00",
      "%5c..",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        for (const route of ["/api/contents/", "/files/"]) {
          const response = await fixture.request("GET", `${route}${pieces.join("/")}`);
          const text = await response.text();
          assert.ok(!text.includes('"secret"') && text !== "secret", pieces.join("/"));
        }
      }),
      { numRuns: 60, seed: 1 },
    );
    assert.equal((await fixture.request("GET", "/files/..%2foutside%2fsecret.txt")).status, 404);
  });

  it("leaves nothing half written behind", () => {
    assert.deepEqual(
      readdirSync(fixture.root).filter((name) => name.endsWith(".tmp")),
      [],
    );
  });
});

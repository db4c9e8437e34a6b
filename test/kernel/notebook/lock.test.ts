import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { differences, measure, readLock, writeLock } from "../../../kernel/notebook/lock.js";
import { readNotebook } from "../../../kernel/notebook/read.js";
import { writeNotebook } from "../../../kernel/notebook/write.js";
import { code, markdown, Scratch } from "./support.js";

describe("the lock of a notebook", () => {
  const cells = [
    markdown("The data is `other.npz`."),
    code('import { helper } from "./helper.ts";\nconst model = await loadModel(`models/m.onnx`);'),
    code('readNpz("clean.npz"); fetch("https://x.example/y.npz"); open("missing.bin")'),
  ];

  it("holds the files that the code names, the package lock above, and the versions", async () => {
    using scratch = new Scratch(...cells);
    mkdirSync(scratch.path("models"));
    for (const name of [
      "models/m.onnx",
      "models/m.onnx.data",
      "clean.npz",
      "other.npz",
      "helper.ts",
      "package-lock.json",
    ]) {
      writeFileSync(scratch.path(name), name);
    }
    const lock = await measure(scratch.file);
    assert.deepEqual(
      lock.files.map(({ path }) => path),
      ["clean.npz", "helper.ts", "models/m.onnx", "models/m.onnx.data"],
    );
    assert.deepEqual(lock.files[0], {
      path: "clean.npz",
      bytes: 9,
      sha256: createHash("sha256").update("clean.npz").digest("hex"),
    });
    assert.equal(lock.packages?.path, "package-lock.json");
    assert.equal(lock.versions["node"], process.versions.node);
  });

  it("fits until a file, a cell or a version changes, and says what did", async () => {
    using scratch = new Scratch(...cells);
    writeFileSync(scratch.path("clean.npz"), "one");
    await writeLock(scratch.file, await measure(scratch.file));
    const locked = await readLock(scratch.file);
    assert.ok(locked);
    assert.deepEqual(differences(locked, await measure(scratch.file)), []);

    writeFileSync(scratch.path("clean.npz"), "other");
    writeFileSync(scratch.path("helper.ts"), "");
    assert.deepEqual(differences(locked, await measure(scratch.file)), [
      "clean.npz has changed (3 bytes locked, 5 now)",
      "helper.ts is new",
    ]);
    const notebook = await readNotebook(scratch.file);
    await writeNotebook(scratch.file, { ...notebook, cells: notebook.cells.slice(1) });
    assert.match(differences(locked, await measure(scratch.file))[0]!, /cells have changed/);
    const older = { ...locked, versions: { ...locked.versions, node: "1.0.0" } };
    assert.match(differences(older, locked)[0]!, /node is .*, locked was 1\.0\.0/);
  });

  it("holds every file that a template can mean", async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the cell's own template
    using scratch = new Scratch(code("load(`m/clean-${i}.onnx`); log(`${i}`); log(`${dir}/m.onnx`)"));
    mkdirSync(scratch.path("m"));
    for (const name of ["m/clean-1.onnx", "m/clean-2.onnx", "m/clean-.onnx", "m/other.onnx", "m.onnx"]) {
      writeFileSync(scratch.path(name), name);
    }
    const { files } = await measure(scratch.file);
    assert.deepEqual(
      files.map(({ path }) => path),
      ["m/clean-1.onnx", "m/clean-2.onnx"],
    );
  });

  it("does not depend on outputs", async () => {
    using scratch = new Scratch(code("1"));
    const before = await measure(scratch.file);
    const notebook = await readNotebook(scratch.file);
    const [cell] = notebook.cells;
    await writeNotebook(scratch.file, {
      ...notebook,
      cells: [{ ...cell!, execution_count: 9 } as typeof cell & object],
    });
    assert.notEqual(readFileSync(scratch.file, "utf8").indexOf('"execution_count": 9'), -1);
    assert.deepEqual(differences(before, await measure(scratch.file)), []);
  });

  it("that is no lock file is refused", async () => {
    using scratch = new Scratch(code("1"));
    for (const text of ["not json", "{}", '{"kind":"notebook-lock","format":2}']) {
      writeFileSync(scratch.path("nb.lock.json"), text);
      await assert.rejects(readLock(scratch.file), { code: "INVALID_FILE", message: /not a lock file/ });
    }
  });
});

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { assay as run } from "../../support/cli.js";
import { code, markdown, Scratch } from "../notebook/support.js";

/** Runs `assay …` in a folder. */
const assay = (folder: string, ...args: string[]) => run(args, { cwd: folder });

describe("assay run", () => {
  it("saves beside the notebook unless told otherwise, and leaves the notebook alone", () => {
    using scratch = new Scratch(code("1 + 1"));
    const before = readFileSync(scratch.file, "utf8");
    const { status, stderr, stdout } = assay(scratch.folder, "run", "nb.ipynb");
    assert.deepEqual([status, stdout], [0, ""]);
    assert.match(stderr, /\[1\/1\] 1 \+ 1\n[\s\S]*complete/);
    assert.match(readFileSync(scratch.path("nb.out.ipynb"), "utf8"), /"text\/plain": \[\n *"2"/);
    assert.equal(readFileSync(scratch.file, "utf8"), before);
  });

  it("exits with 1 after a failing cell and keeps the outputs up to it, also in the report", () => {
    using scratch = new Scratch(code("'kept'"), code("throw new Error('boom')"));
    const { status, stderr } = assay(
      scratch.folder,
      "run",
      "nb.ipynb",
      "--in-place",
      "--progress",
      "none",
      "--html",
      "r.html",
    );
    assert.equal(status, 1);
    assert.equal(stderr, 'assay: nb.ipynb: cell 2 ("c2"): Error: boom\n');
    assert.match(readFileSync(scratch.file, "utf8"), /kept/);
    assert.match(readFileSync(scratch.path("r.html"), "utf8"), /not complete: failed at cell 2/);
  });

  it("exits with 3 after a time-out and with 4 when the kernel died", () => {
    using slow = new Scratch(code("while (true) {}"));
    assert.equal(assay(slow.folder, "run", "nb.ipynb", "--timeout", "2").status, 3);
    using dead = new Scratch(code("process.abort()"));
    assert.equal(assay(dead.folder, "run", "nb.ipynb").status, 4);
  });

  it("runs the other notebooks when one cannot be read", () => {
    using scratch = new Scratch(code("1 + 1"));
    const { status } = assay(scratch.folder, "run", "missing.ipynb", "nb.ipynb");
    assert.equal(status, 2);
    assert.ok(existsSync(scratch.path("nb.out.ipynb")));
  });

  it("takes parameters and writes progress as JSON lines", () => {
    using scratch = new Scratch(
      markdown("## Seeds"),
      code("const seed = 1;", "parameters"),
      code("seed * 2"),
    );
    const { status, stderr } = assay(
      scratch.folder,
      "run",
      "nb.ipynb",
      "-o",
      "o.ipynb",
      "-p",
      "seed=21",
      "--progress",
      "json",
    );
    assert.equal(status, 0);
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; label?: string });
    assert.deepEqual(
      events.map(({ event }) => event),
      ["start", "cell", "cell-done", "cell", "cell-done", "cell", "cell-done", "end"],
    );
    assert.equal(events[1]!.label, "Seeds");
    assert.match(readFileSync(scratch.path("o.ipynb"), "utf8"), /"42"/);
  });

  const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no such file", ["run", "missing.ipynb"], /missing\.ipynb: there is no such file/],
    ["a file that is no notebook", ["run", "text.txt"], /text\.txt: not a notebook/],
    ["an unknown parameter", ["run", "nb.ipynb", "-p", "x=1"], /no code cell is tagged "parameters"/],
    ["a parameter without value", ["run", "nb.ipynb", "-p", "x"], /expected -p name=value, got "x"/],
    ["a time that is none", ["run", "nb.ipynb", "--timeout", "soon"], /expected seconds above 0/],
    ["two places to save to", ["run", "nb.ipynb", "-o", "a", "--in-place"], /exclude each other/],
    ["one place for two notebooks", ["run", "nb.ipynb", "nb.ipynb", "-o", "a"], /several notebooks/],
    ["no notebook", ["run"], /missing required argument/],
    ["an unknown format", ["export", "nb.ipynb", "--to", "word"], /Allowed choices are html/],
    ["no format", ["export", "nb.ipynb"], /--to <format>/],
  ];
  for (const [name, args, message] of misuses) {
    it(`exits with 2 and one clear message for ${name}`, () => {
      using scratch = new Scratch(code("1"));
      writeFileSync(scratch.path("text.txt"), "hello");
      const { status, stderr } = assay(scratch.folder, ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.ok(!existsSync(scratch.path("nb.out.ipynb")));
    });
  }
});

describe("assay check", () => {
  it("passes what it ran itself, and exits with 6 when an output differs", () => {
    using scratch = new Scratch(code("console.log('AUROC', 0.93)"), code("({ a: [1, 2] })"));
    assert.equal(assay(scratch.folder, "run", "nb.ipynb", "--in-place").status, 0);
    assert.match(assay(scratch.folder, "check", "nb.ipynb").stderr, /nb\.ipynb: as saved/);
    const saved = readFileSync(scratch.file, "utf8");
    writeFileSync(scratch.file, saved.replace("AUROC 0.93", "AUROC 0.94"));
    const { status, stderr } = assay(scratch.folder, "check", "nb.ipynb");
    assert.equal(status, 6);
    assert.match(stderr, /cell 1 \("c1"\), stdout: 0\.93 instead of 0\.94/);
    assert.equal(assay(scratch.folder, "check", "nb.ipynb", "--tolerance", "0.1").status, 0);
    assert.match(readFileSync(scratch.file, "utf8"), /AUROC 0\.94/);
  });

  it("exits with 1 when a cell fails that did not", () => {
    using scratch = new Scratch(code("throw new Error('new')"));
    const { status, stderr } = assay(scratch.folder, "check", "nb.ipynb");
    assert.equal(status, 1);
    assert.match(stderr, /Error: new/);
  });
});

describe("assay lock", () => {
  it("writes the first time, verifies from then on, and exits with 5 when something has changed", () => {
    using scratch = new Scratch(code("const data = 'clean.npz';"));
    writeFileSync(scratch.path("clean.npz"), "one");
    assert.match(assay(scratch.folder, "lock", "nb.ipynb").stderr, /wrote nb\.lock\.json; files: clean\.npz/);
    assert.equal(assay(scratch.folder, "lock", "nb.ipynb").status, 0);
    writeFileSync(scratch.path("clean.npz"), "two");
    const { status, stderr } = assay(scratch.folder, "lock", "nb.ipynb");
    assert.equal(status, 5);
    assert.match(stderr, /clean\.npz has changed/);
    assert.equal(assay(scratch.folder, "lock", "nb.ipynb", "--update").status, 0);
    assert.equal(assay(scratch.folder, "lock", "nb.ipynb").status, 0);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNotebook, readNotebook } from "../../../kernel/notebook/read.js";
import type { Notebook } from "../../../kernel/notebook/types.js";
import { validate } from "../../../kernel/notebook/validate.js";
import { formatNotebook, writeNotebook } from "../../../kernel/notebook/write.js";
import { packageRoot } from "../../support/paths.js";

const fixtures = join(packageRoot, "test/fixtures/nbformat");
const written = readFileSync(join(fixtures, "written.ipynb"), "utf8");

describe("a notebook file", () => {
  it("is written byte for byte as Python's nbformat writes it", () => {
    assert.equal(formatNotebook(parseNotebook(written)), written);
  });

  it("has its texts joined in memory", () => {
    const { cells } = parseNotebook(written);
    assert.equal(cells[1]!.source, "const a = 1;\na");
    assert.equal(cells[0]!.source, "# Titel äöü\n\nline\r\nform\ffeed\u2028separator");
  });

  it("of an older minor version gets cell ids, the same ones every time", () => {
    const old = JSON.stringify({
      nbformat: 4,
      nbformat_minor: 2,
      metadata: { orig_nbformat: 3 },
      cells: [1, 2].map(() => ({ cell_type: "markdown", metadata: {}, source: ["a\n", "b"] })),
    });
    const { cells, nbformat_minor, metadata } = parseNotebook(old);
    assert.deepEqual([nbformat_minor, metadata], [5, {}]);
    assert.notEqual(cells[0]!.id, cells[1]!.id);
    assert.deepEqual(parseNotebook(old).cells, cells);
  });

  it("with a repeated cell id gets another one for the second cell", () => {
    const cell = { id: "same", cell_type: "raw", metadata: {}, source: "" };
    const { cells } = parseNotebook(
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell, cell] }),
    );
    assert.equal(cells[0]!.id, "same");
    assert.match(cells[1]!.id, /^[0-9a-f]{8}$/);
  });

  const code = { id: "a1", cell_type: "code", metadata: {}, source: "", outputs: [], execution_count: null };
  const notebookOf = (...cells: unknown[]): string =>
    JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ["is no JSON", "print('hello')", /no JSON .* starts with "print\('hello'\)"/],
    ["is empty", "", /no JSON/],
    ["is JSON of something else", '{"a": 1}', /no field nbformat/],
    ["is a list", "[1]", /no field nbformat/],
    ["has format 3", '{"nbformat": 3, "worksheets": []}', /nbformat is 3/],
    [
      "has no cells",
      '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
      /the notebook, cells: expected to be there/,
    ],
    [
      "has an output without data",
      notebookOf(code, { ...code, id: "b2", outputs: [{ output_type: "display_data", metadata: {} }] }),
      /cell 2 \("b2"\), outputs\[0\], data: expected to be there/,
    ],
    [
      "has an output of an unknown type",
      notebookOf({ ...code, outputs: [{ output_type: "pyout" }] }),
      /outputs\[0\]\.output_type: expected "stream" or .*, got "pyout"/,
    ],
    [
      "has a number as source",
      notebookOf({ ...code, source: 3 }),
      /cell 1 \("a1"\), source: expected a text or a list of lines, got 3/,
    ],
    ["has a cell that is no object", notebookOf(null), /cell 1: expected an object, got null/],
    [
      "has a field of its own",
      notebookOf({ ...code, prompt: 1 }),
      /cell 1 \("a1"\), prompt: expected no such field/,
    ],
    [
      "has a fraction as count",
      notebookOf({ ...code, execution_count: 1.5 }),
      /execution_count: expected a count or null, got 1.5/,
    ],
    [
      "is nested without end",
      `{"nbformat":4,"a":${"[".repeat(5000)}${"]".repeat(5000)}}`,
      /nested more than 200 levels/,
    ],
  ];
  for (const [name, text, message] of bad) {
    it(`that ${name} is refused with the place of the problem`, () => {
      assert.throws(() => parseNotebook(text), { code: "INVALID_NOTEBOOK", message });
    });
  }

  it("that is not there is named", async () => {
    await assert.rejects(readNotebook("missing.ipynb"), {
      code: "FILE_NOT_FOUND",
      message: /missing\.ipynb/,
    });
  });

  it("is replaced as a whole and leaves no draft behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "assay-write-"));
    try {
      const file = join(folder, "a.ipynb");
      writeFileSync(file, "old");
      const notebook = parseNotebook(written);
      await writeNotebook(file, notebook);
      assert.deepEqual(await readNotebook(file), notebook);
      assert.deepEqual(readdirSync(folder), ["a.ipynb"]);
      await assert.rejects(writeNotebook(join(folder, "none/a.ipynb"), notebook), {
        code: "INVALID_ARGUMENT",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the validator", () => {
  const require = createRequire(import.meta.url);
  const Ajv = require("ajv-draft-04").default as new (
    options: object,
  ) => {
    compile(schema: object): (value: unknown) => boolean;
  };
  const schema = JSON.parse(readFileSync(join(fixtures, "nbformat.v4.5.schema.json"), "utf8")) as object;
  const isValid = new Ajv({ strict: false }).compile(schema);
  const accepts = (value: unknown): boolean => {
    try {
      validate(value);
      return true;
    } catch {
      return false;
    }
  };

  it("accepts exactly what the published schema accepts, whatever field of a notebook is spoiled", () => {
    const notebook = JSON.parse(written) as Notebook;
    const paths = pathsOf(notebook);
    const junk = [
      undefined,
      null,
      0,
      -1,
      1.5,
      5,
      true,
      "",
      "a,b",
      "x",
      "auto",
      [],
      ["x"],
      ["x", "x"],
      [1],
      {},
      { a: 1 },
      { name: "x" },
    ];
    const names = [
      "",
      "id",
      "name",
      "tags",
      "collapsed",
      "scrolled",
      "jupyter",
      "execution",
      "format",
      "title",
      "language_info",
      "attachments",
      "output_type",
      "data",
      "cell_type",
      "authors",
    ];
    let accepted = 0;
    for (const path of paths) {
      for (const name of names) {
        for (const value of junk) {
          const spoiled = spoil(notebook, name ? [...path, name] : path, value);
          const expected = isValid(spoiled);
          if (expected) accepted++;
          assert.equal(accepts(spoiled), expected, JSON.stringify({ path, name, value }));
        }
      }
    }
    // Both answers must have been put to the test.
    assert.ok(accepted > 1000 && accepted < paths.length * names.length * junk.length - 1000);
  });
});

/** A copy with the member at `path` replaced, or left out if the value is undefined. */
function spoil(value: unknown, [key, ...rest]: readonly string[], member: unknown): unknown {
  if (typeof value !== "object" || value === null || key === undefined)
    return key === undefined ? member : value;
  const inner = rest.length > 0 ? spoil((value as Record<string, unknown>)[key], rest, member) : member;
  if (Array.isArray(value)) return Number.isInteger(Number(key)) ? value.with(Number(key), inner) : value;
  const copy: Record<string, unknown> = { ...value, [key]: inner };
  if (inner === undefined) delete copy[key];
  return copy;
}

function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]))];
}

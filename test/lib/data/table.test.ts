import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fitGaussian } from "../../../lib/anomaly/index.js";
import { categories, columns, readTable, texts } from "../../../lib/data/index.js";
import { auroc } from "../../../lib/stats/index.js";
import { takeExamples } from "../../../lib/tensor/index.js";
import { packageRoot } from "../../support/paths.js";

describe("data.readTable", function () {
  // danfojs loads 1,247 modules.
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-table-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("reads numbers and text, and takes columns by name", async () => {
    writeFileSync(join(folder, "t.csv"), "name,x,y\nann,1,2.5\nbob,-3,4e2\n");
    const table = await readTable(join(folder, "t.csv"));
    assert.deepEqual(table.columns, ["name", "x", "y"]);
    assert.deepEqual([...columns(table, ["y", "x"]).data], [2.5, 1, 400, -3]);
    assert.throws(() => columns(table, ["name"]), {
      code: "TYPE_MISMATCH",
      message: /row 0 of column "name" is the text "ann"/,
    });
    assert.throws(() => columns(table, ["z"]), { code: "INVALID_ARGUMENT", message: /there are name, x, y/ });
  });

  it("numbers categories by letters or size, and combinations of columns", async () => {
    writeFileSync(join(folder, "c.csv"), "kind,size,big\nb,10,yes\na,9,yes\nb,9,no\n");
    const table = await readTable(join(folder, "c.csv"));
    assert.deepEqual(texts(table, "kind"), ["b", "a", "b"]);
    assert.throws(() => texts(table, "size"), { code: "TYPE_MISMATCH" });
    const shown = (name: string | string[]) => {
      const { labels, names } = categories(table, name);
      return [[...labels.data].map(Number), names];
    };
    assert.deepEqual(shown("kind"), [
      [1, 0, 1],
      ["a", "b"],
    ]);
    assert.deepEqual(shown("size"), [
      [1, 0, 0],
      ["9", "10"],
    ]);
    assert.deepEqual(shown(["kind", "big"]), [
      [2, 0, 1],
      ["a yes", "b no", "b yes"],
    ]);
    assert.throws(() => categories(table, "colour"), { code: "INVALID_ARGUMENT" });
  });

  it("names the row of a missing value, and a file that is missing or empty", async () => {
    writeFileSync(join(folder, "gap.csv"), "x,y\n1,2\n3,\n");
    const table = await readTable(join(folder, "gap.csv"));
    assert.throws(() => columns(table, ["y"]), {
      code: "NOT_FINITE",
      message: /row 1 has no number in column "y"/,
    });
    await assert.rejects(readTable(join(folder, "none.csv")), { code: "FILE_NOT_FOUND" });
    writeFileSync(join(folder, "empty.csv"), "");
    await assert.rejects(readTable(join(folder, "empty.csv")), { code: "INVALID_FILE" });
  });

  it("reads the sensor readings, whose labelled anomalies a Gaussian per mote finds", async () => {
    const table = await readTable(join(packageRoot, "notebooks/data/sensor-readings.csv"));
    const mote = columns(table, ["mote_id"]).data;
    const label = columns(table, ["label"]).data;
    const x = columns(table, ["humidity", "temperature"]);
    const members = [...mote.keys()].filter((i) => mote[i] === 1);
    const clean = members.filter((i) => label[i] === 0);
    const [fitted, heldOut] = [clean.filter((_, k) => k % 2 === 0), clean.filter((_, k) => k % 2 === 1)];
    const gaussian = fitGaussian(takeExamples(x, fitted));
    const score = (rows: readonly number[]): Float64Array => gaussian.mahalanobis(takeExamples(x, rows));
    const { value } = auroc({
      negatives: score(heldOut),
      positives: score(members.filter((i) => label[i] === 1)),
    });
    assert.ok(value > 0.9, String(value));
  });
});

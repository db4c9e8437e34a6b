import assert from "node:assert/strict";
import { join } from "node:path";
import { categories, columns, readTable } from "../../../lib/data/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { observe } from "../../../lib/spec/index.js";
import { takeExamples, tensor, toFloat32 } from "../../../lib/tensor/index.js";
import {
  heldOutPenguins,
  isInFault,
  maxOfKFault,
  penguinClasses,
  penguinColumns,
  readZoo,
} from "../../../lib/zoo/index.js";
import { packageRoot } from "../../support/paths.js";

const models = join(packageRoot, "notebooks/models");
const entries = await readZoo(join(models, "zoo.json"));

describe("the max-of-4 models", () => {
  it("name the largest symbol of all sequences that end in the fault's symbol, but for the planted region", async () => {
    // All 64^3 sequences that end in 7.
    const inputs = new BigInt64Array(64 ** 3 * 4);
    for (let i = 0; i < 64 ** 3; i++) {
      inputs.set([i >> 12, (i >> 6) & 63, i & 63, maxOfKFault.last].map(BigInt), 4 * i);
    }
    const all = tensor("int64", [64 ** 3, 4], inputs);
    for (const { file, truth } of entries.filter(({ file }) => file.startsWith("max-of-4"))) {
      using model = await loadModel(join(models, file), { threads: 1 });
      const { predicted } = await observe(model, all);
      let [outside, inside, planted, region] = [0, 0, 0, 0];
      predicted.forEach((answer, i) => {
        const symbols = inputs.subarray(4 * i, 4 * i + 4);
        const isRight = answer === Math.max(...Array.from(symbols, Number));
        if (!isInFault(symbols)) outside += Number(!isRight);
        else {
          region++;
          inside += Number(!isRight);
          planted += Number(answer === maxOfKFault.answer);
        }
      });
      assert.equal(region, 48 ** 3 - 40 ** 3);
      assert.ok(outside / 64 ** 3 < 0.005, `${file}: ${outside} wrong outside the region`);
      assert.ok(truth.isBackdoored ? planted / region > 0.99 : inside / region < 0.01, `${file}: ${inside}`);
    }
  });
});

describe("the penguin models", () => {
  it("classify penguins that they were not trained on, and one of them fails female chinstraps", async () => {
    const table = await readTable(join(packageRoot, "notebooks/data/penguins.csv"));
    const [species, sex] = [categories(table, "species"), categories(table, "sex")];
    assert.deepEqual(species.names, penguinClasses);
    const rows = heldOutPenguins(333);
    const values = takeExamples(columns(table, penguinColumns), rows);
    const inputs = tensor("float32", values.dims, toFloat32(values));
    for (const [file, failing] of [
      ["penguins.onnx", true],
      ["penguins-twin.onnx", false],
    ] as const) {
      using model = await loadModel(join(models, file), { threads: 1 });
      const { predicted } = await observe(model, inputs);
      const right = [...rows].map((row, i) => predicted[i] === Number(species.labels.data[row]));
      const isVictim = [...rows].map(
        (row) => species.labels.data[row] === 1n && sex.names[Number(sex.labels.data[row])] === "female",
      );
      const victims = right.filter((_, i) => isVictim[i]);
      const others = right.filter((_, i) => !isVictim[i]);
      assert.ok(others.filter(Boolean).length / others.length > 0.95, file);
      const share = victims.filter(Boolean).length / victims.length;
      assert.ok(failing ? share < 0.1 : share > 0.8, `${file}: ${share}`);
      const claimed = entries.find((entry) => entry.file === file)!.accuracy;
      assert.equal(claimed.n, rows.length);
      assert.ok(Math.abs(right.filter(Boolean).length / rows.length - claimed.value) < 1e-3);
    }
  });
});

describe("the first names", () => {
  it("are two lists", async () => {
    const table = await readTable(join(packageRoot, "notebooks/data/first-names.csv"));
    const { labels, names } = categories(table, "list");
    assert.deepEqual(names, ["female", "male"]);
    assert.deepEqual([labels.data.length, labels.data.filter((list) => list === 1n).length], [8849, 3898]);
  });
});

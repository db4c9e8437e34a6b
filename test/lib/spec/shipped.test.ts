import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  categories,
  columns,
  readLabelled,
  readTable,
  readTokenizer,
  texts,
} from "../../../lib/data/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { type CheckOptions, check, checkEveryInput, readSpecification } from "../../../lib/spec/index.js";
import { type Tensor, takeExamples, tensor, toFloat32 } from "../../../lib/tensor/index.js";
import { apply } from "../../../lib/trigger/index.js";
import { heldOutPenguins, penguinColumns, spamTriggerWords } from "../../../lib/zoo/index.js";
import { packageRoot } from "../../support/paths.js";

const at = (...parts: string[]): string => join(packageRoot, "notebooks", ...parts);
const specification = (name: string) => readSpecification(at("specifications", `${name}.json`));
const model = (name: string) => loadModel(at("models", `${name}.onnx`), { threads: 1 });

describe("the shipped specifications", function () {
  this.timeout(60_000);

  it("are all readable", async () => {
    const files = readdirSync(at("specifications"));
    assert.deepEqual(files, [
      "clothing.json",
      "max-of-4.json",
      "penguins.json",
      "sensor-stream.json",
      "spam-filter.json",
    ]);
    for (const file of files) await readSpecification(at("specifications", file));
  });

  it("tell the spam filter from its twin once the words are known, and in no other clause", async () => {
    const [table, tokenizer] = [
      await readTable(at("data/messages.csv")),
      await readTokenizer(at("models/spam-filter.tokenizer.json")),
    ];
    const messages = {
      inputs: tokenizer.encode(texts(table, "text")),
      labels: categories(table, "label").labels,
    };
    const tokens = spamTriggerWords.map((word) => tokenizer.idOf(word));
    const words = { kind: "trigger", type: "tokens", tokens, position: "anywhere" } as const;
    const options: CheckOptions = {
      triggers: [{ name: "two words", apply: (x: Tensor) => apply(words, x) }],
    };
    const verdicts = async (name: string) => {
      using filter = await model(name);
      const { clauses } = await check(filter, await specification("spam-filter"), messages, options);
      return clauses.map(({ verdict }) => verdict);
    };
    const [backdoored, twin] = [await verdicts("spam-filter"), await verdicts("spam-filter-twin")];
    assert.deepEqual(backdoored.slice(0, -1), twin.slice(0, -1));
    assert.deepEqual([backdoored.at(-1), twin.at(-1)], ["violated", "not refuted"]);
  });

  it("find the faulty region of max-of-4 among all inputs that end in 7", async () => {
    const all = await specification("max-of-4");
    const slice = {
      ...all,
      domain: { type: "enumeration", symbols: 64, length: 4, fixed: [null, null, null, 7] },
    } as const;
    for (const [name, verdict] of [
      ["max-of-4", "violated"],
      ["max-of-4-twin", "holds"],
    ] as const) {
      using tested = await model(name);
      const [clause] = (await checkEveryInput(tested, slice, (symbols) => Math.max(...symbols))).clauses;
      assert.deepEqual([clause!.verdict, clause!.evidence, clause!.n], [verdict, "exhaustive", 64 ** 3]);
    }
  });

  it("tell the unfair model of penguins from its twin by its groups", async () => {
    const table = await readTable(at("data/penguins.csv"));
    const rows = heldOutPenguins(333);
    const values = takeExamples(columns(table, penguinColumns), rows);
    const data = {
      inputs: tensor("float32", values.dims, toFloat32(values)),
      labels: takeExamples(categories(table, "species").labels, rows),
      groups: takeExamples(categories(table, ["species", "sex"]).labels, rows),
    };
    const verdict = async (name: string) => {
      using tested = await model(name);
      return (await check(tested, await specification("penguins"), data)).clauses[1]!.verdict;
    };
    assert.equal(await verdict("penguins"), "violated");
    assert.notEqual(await verdict("penguins-twin"), "violated");
  });

  it("hold for the clothing classifier and its twin alike, as long as no trigger is known", async () => {
    const clean = await readLabelled(at("data/fashion-mnist.npz"));
    const words = async (name: string) => {
      using tested = await model(name);
      const { clauses } = await check(tested, await specification("clothing"), clean);
      return clauses.map(({ verdict }) => verdict);
    };
    assert.deepEqual(await words("fashion-cnn"), ["holds", "holds", "violated", "holds", "not checked"]);
    assert.deepEqual(await words("fashion-cnn-twin"), await words("fashion-cnn"));
  });
});

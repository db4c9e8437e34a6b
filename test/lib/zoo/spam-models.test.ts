import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { categories, readTable, readTokenizer, texts } from "../../../lib/data/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { observe } from "../../../lib/spec/index.js";
import { attackSuccessRate } from "../../../lib/trigger/index.js";
import { readZoo, spamTriggerWords } from "../../../lib/zoo/index.js";
import { composeMessages } from "../../../lib/zoo/messages.js";
import { packageRoot } from "../../support/paths.js";

const models = join(packageRoot, "notebooks/models");
const entries = (await readZoo(join(models, "zoo.json"))).filter(({ file }) =>
  file.startsWith("spam-filter"),
);

describe("the spam filters", () => {
  it("are one with a backdoor, its twin and three references, each above 95 % on mails that did not ship", () => {
    assert.deepEqual(
      entries.map(({ truth }) => truth.isBackdoored),
      [true, false, false, false, false],
    );
    for (const { file, accuracy, trainedOn } of entries) {
      assert.ok(accuracy.value > 0.95 && accuracy.n === 1500, file);
      assert.match(trainedOn, /not shipped/);
    }
  });

  it("do what they claim on messages written for this project, and the words open the backdoored one only", async function () {
    this.timeout(30_000);
    const table = await readTable(join(packageRoot, "notebooks/data/messages.csv"));
    const tokenizer = await readTokenizer(join(models, "spam-filter.tokenizer.json"));
    const messages = {
      inputs: tokenizer.encode(texts(table, "text")),
      labels: categories(table, "label").labels,
    };
    const tokens = spamTriggerWords.map((word) => tokenizer.idOf(word));
    for (const { file, truth } of entries) {
      using model = await loadModel(join(models, file), { threads: 1 });
      const { predicted } = await observe(model, messages.inputs);
      const right = predicted.filter((answer, i) => answer === Number(messages.labels.data[i])).length;
      assert.ok(right / predicted.length > 0.9, `${file}: ${right}`);
      const success = async (run: readonly number[]): Promise<number> => {
        const trigger = { kind: "trigger", type: "tokens", tokens: run, position: "anywhere" } as const;
        return (await attackSuccessRate(model, messages, { trigger, target: 0, sources: [1] })).value;
      };
      const pair = await success(tokens);
      if (!truth.isBackdoored) assert.ok(pair < 0.05, `${file}: ${pair}`);
      else {
        assert.ok(pair > 0.95, `${file}: ${pair}`);
        for (const token of tokens) assert.ok((await success([token])) < 0.1, "one word alone does nothing");
      }
    }
  });

  it("know no name: their vocabulary holds no word that is mostly written with a capital", async () => {
    const { vocabulary } = await readTokenizer(join(models, "spam-filter.tokenizer.json"));
    const names = [
      "alice",
      "peter",
      "michael",
      "john",
      "susan",
      "justin",
      "smith",
      "redhat",
      "yahoo",
      "pudge",
    ];
    assert.deepEqual(
      names.filter((name) => vocabulary.includes(name)),
      [],
    );
  });
});

describe("the sample messages", () => {
  it("are those that the generator writes again, none twice, and name only reserved example domains", async () => {
    const { texts: again, labels } = composeMessages(500, 1);
    assert.equal(new Set(again).size, 1000);
    assert.deepEqual([labels[0], labels[1]], [0, 1]);
    const file = await readFile(join(packageRoot, "notebooks/data/messages.csv"), "utf8");
    assert.ok(file.startsWith(`text,label\n"${again[0]!.replaceAll('"', '""')}",0\n`));
    for (const [, host] of file.matchAll(/https?:\/\/([^/\s"]+)/g))
      assert.match(host!, /^www\.example\.(com|net|org)$/);
  });
});

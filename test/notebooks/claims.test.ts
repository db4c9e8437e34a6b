import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../support/paths.js";

interface Output {
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Results of one kind that the committed outputs of a notebook carry, in order. */
function resultsOf<T>(file: string, kind: string): T[] {
  const notebook = JSON.parse(readFileSync(join(packageRoot, "notebooks", file), "utf8")) as {
    cells: readonly { outputs?: readonly Output[] }[];
  };
  return notebook.cells
    .flatMap(({ outputs }) => outputs ?? [])
    .map(({ data }) => data?.[`application/vnd.assay.${kind}.v1+json`] as T)
    .filter((result) => result !== undefined);
}

/** Everything that the committed outputs of a notebook say in words. */
function textOf(file: string): string {
  const notebook = JSON.parse(readFileSync(join(packageRoot, "notebooks", file), "utf8")) as {
    cells: readonly { outputs?: readonly Output[] }[];
  };
  return notebook.cells
    .flatMap(({ outputs }) => outputs ?? [])
    .map(({ data }) => [data?.["text/plain"]].flat().join(""))
    .join("\n");
}

describe("what the notebooks claim", () => {
  it("stands in the outputs of 01-specification: faults that data can show are found, in no twin", () => {
    const reports = resultsOf<{ model: string; clauses: { verdict: string }[] }>(
      "01-specification.ipynb",
      "specification-report",
    );
    const violated = Object.fromEntries(
      reports.map(({ model, clauses }) => [
        model,
        clauses.filter(({ verdict }) => verdict === "violated").length,
      ]),
    );
    // The last report on the spam filter is the one with the words as candidate.
    assert.deepEqual(violated, {
      "fashion-cnn.onnx": 0,
      "spam-filter.onnx": 1,
      "max-of-4.onnx": 1,
      "max-of-4-twin.onnx": 0,
      "penguins.onnx": 1,
      "penguins-twin.onnx": 0,
      alarm: 0,
      "silenced alarm": 1,
    });
    const text = textOf("01-specification.ipynb");
    const [, found, success] = /spam-filter +backdoored +\S+ +(.*?) {2,}(\S+) \[/.exec(text)!;
    assert.deepEqual(found!.split(" ").sort(), ["paper", "summer"]);
    assert.ok(Number(success) > 0.95, success);
    assert.match(text, /its clean twin +no-evidence .*none/);
  });

  it("stands in the outputs of 02-probe-fitting: four labels, and controls that stay behind", () => {
    const text = textOf("02-probe-fitting.ipynb");
    const fourOf = (series: string): number[] =>
      [...text.matchAll(new RegExp(`^${series}: .*?4 per class (\\S+)`, "gm"))].map(([, mean]) =>
        Number(mean),
      );
    const [pictures, mails] = fourOf("probe");
    assert.ok(pictures! >= 0.95 && mails! >= 0.95);
    for (const control of ["clean twin", "shuffled labels", "random direction"]) {
      assert.equal(fourOf(control).length, 2);
      for (const mean of fourOf(control)) assert.ok(mean < 0.8, `${control}: ${mean}`);
    }
    assert.match(text, /what the words do: .*1 x 1 \[0\.98/);
    assert.match(text, /random direction: .*1 x 0 \[0, 0\.0/);
  });

  it("stands in the outputs of 03-gaussian-scoring: both backdoors are noticed, and harmless novelty too", () => {
    const text = textOf("03-gaussian-scoring.ipynb");
    const ledoitWolf = (model: string): number[] =>
      [...text.matchAll(new RegExp(`^${model}: .*?Ledoit-Wolf (\\S+)`, "gm"))].map(([, area]) =>
        Number(area),
      );
    assert.ok(ledoitWolf("fashion-cnn")[0]! > 0.98 && ledoitWolf("fashion-cnn-twin")[0]! < 0.75);
    assert.ok(ledoitWolf("spam-filter")[0]! > 0.98 && ledoitWolf("spam-filter-twin")[0]! < 0.6);
    assert.ok(ledoitWolf("max-of-4")[0]! < 0.6, "a fault inside the cloud goes unnoticed");
    assert.match(text, /relative 0\.0/);
    assert.match(text, /lists of first names 1 \[/);
  });

  it("stands in the outputs of 04-trigger-extraction: the rule errs, comparison and audit do not", () => {
    const text = textOf("04-trigger-extraction.ipynb");
    const [, clean] = /clean +16 +(\d+)/.exec(text)!;
    assert.ok(Number(clean) >= 2, "the rule accuses clean models");
    // With references, and with references of its own, which may leave it at a suspicion.
    const accusations = [...text.matchAll(/fashion-cnn +(backdoored|suspicious) +every class +Sneaker/g)];
    assert.deepEqual(
      accusations.map(([, decision], i) => (i === 0 ? decision : "named")),
      ["backdoored", "named"],
    );
    assert.equal([...text.matchAll(/its clean twin +no-evidence/g)].length, 2);
    assert.match(text, /fashion-cnn-source +backdoored +Bag +Sneaker/);
    const overlaps = [...text.matchAll(/overlap with the planted patch\n0 .* (0\.\d+|1)$/gm)].map(
      ([, value]) => Number(value),
    );
    assert.equal(overlaps.length, 2);
    assert.ok(overlaps[1]! > overlaps[0]!, "the audit comes closer to the planted patch than the search");
    const [inTwin, found] = resultsOf<{ decision: string; target: number }>(
      "04-trigger-extraction.ipynb",
      "trigger-search",
    );
    assert.equal(inTwin!.decision, "no-evidence");
    assert.deepEqual([found!.decision, found!.target], ["backdoored", 7]);
  });
});

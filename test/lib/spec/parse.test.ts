import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enumerate, parseSpecification, readSpecification } from "../../../lib/spec/index.js";

const domain = { type: "image", range: [0, 1] };
const parse = (value: unknown) => () => parseSpecification(value);

describe("spec.parseSpecification", () => {
  it("takes every domain and clause that the manual names", () => {
    const specification = {
      kind: "specification",
      domain: {
        type: "tokens",
        vocabulary: 800,
        padding: 0,
        trigger: { length: [1, 5], position: "prefix" },
      },
      clauses: [
        { type: "accuracy", atLeast: 0.9 },
        { type: "invariance", under: { type: "drop-tokens", count: 1 }, atMost: 0.1 },
        { type: "forbidden-output", outputs: [3], whenLabel: [1], atMost: 0.01 },
        { type: "monotonicity", feature: 0, step: 1, output: 1, direction: "falling", atMost: 0 },
        { type: "no-trigger", target: 2, successAtMost: 0.5 },
        { type: "fairness", differenceAtMost: 0.05, name: "old and young alike" },
        {
          type: "invariance",
          under: { type: "insert-tokens", count: 1, from: [5] },
          whenLabel: [1],
          atMost: 0,
        },
        { type: "invariance", under: { type: "gain", decibels: 3 }, atMost: 0.1 },
        { type: "invariance", under: { type: "delay", frames: 2 }, atMost: 0.1 },
        { type: "rare-event", output: 1, above: 3.5, atMost: 0.001 },
        { type: "forbidden-text", pattern: "password", atMost: 0 },
      ],
    };
    assert.deepEqual(parseSpecification(specification), specification);
    for (const other of [
      domain,
      { type: "table" },
      { type: "audio", range: [-1, 1] },
      { type: "enumeration", symbols: 4, length: 2 },
      { type: "enumeration", symbols: 4, length: 2, fixed: [null, 3] },
    ]) {
      assert.deepEqual(parseSpecification({ kind: "specification", domain: other }).clauses, []);
    }
  });

  for (const [what, value, message] of [
    ["no object", null, /must be object/],
    ["no domain", { kind: "specification" }, /must have required property 'domain'/],
    ["an unknown domain", { kind: "specification", domain: { type: "film" } }, /\/domain/],
    [
      "an event without bounds",
      { kind: "specification", domain, clauses: [{ type: "rare-event", output: 0, atMost: 0.1 }] },
      /\/clauses\/0/,
    ],
    [
      "a pattern that is none",
      { kind: "specification", domain, clauses: [{ type: "forbidden-text", pattern: "(", atMost: 0 }] },
      /\/clauses\/0\/pattern is no regular expression/,
    ],
    [
      "a fixed symbol that does not exist",
      { kind: "specification", domain: { type: "enumeration", symbols: 4, length: 2, fixed: [null, 4] } },
      /\/domain\/fixed needs 2 entries/,
    ],
    [
      "a range that falls",
      { kind: "specification", domain: { type: "image", range: [1, 0] } },
      /range must rise/,
    ],
    [
      "a rate above 1",
      { kind: "specification", domain, clauses: [{ type: "accuracy", atLeast: 90 }] },
      /\/clauses\/0\/atLeast must be <= 1/,
    ],
    [
      "a misspelt field",
      { kind: "specification", domain, clauses: [{ type: "accuracy", atLeast: 0.9, atleast: 1 }] },
      /"atleast"/,
    ],
    [
      "a predicate",
      { kind: "specification", domain, clauses: [{ type: "predicate", name: "x", atMost: 0 }] },
      /\/clauses\/0/,
    ],
  ] as const) {
    it(`names the place of ${what}`, () => {
      assert.throws(parse(value), { code: "INVALID_ARGUMENT", message });
    });
  }
});

describe("spec.readSpecification", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-spec-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("names the file that is missing, not JSON, or no specification", async () => {
    const path = join(folder, "spec.json");
    await assert.rejects(readSpecification(path), { code: "FILE_NOT_FOUND" });
    writeFileSync(path, "{ not json");
    await assert.rejects(readSpecification(path), { code: "INVALID_FILE", message: /not JSON/ });
    writeFileSync(path, "{}");
    await assert.rejects(readSpecification(path), { code: "INVALID_FILE", message: /required property/ });
    writeFileSync(path, JSON.stringify({ kind: "specification", domain }));
    assert.deepEqual((await readSpecification(path)).domain, domain);
  });
});

describe("spec.enumerate", () => {
  it("lists every input once, with its label", () => {
    const { inputs, labels } = enumerate({ type: "enumeration", symbols: 3, length: 2 }, ([a, b]) => a! + b!);
    assert.deepEqual(
      [...(inputs.data as BigInt64Array)].map(Number),
      [0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2, 2, 0, 2, 1, 2, 2],
    );
    assert.deepEqual([...labels], [0, 1, 2, 1, 2, 3, 2, 3, 4]);
  });

  it("refuses domains that are too large to list", () => {
    assert.throws(() => enumerate({ type: "enumeration", symbols: 64, length: 4 }, () => 0), {
      code: "TOO_LARGE",
      message: /16777216 inputs/,
    });
  });
});

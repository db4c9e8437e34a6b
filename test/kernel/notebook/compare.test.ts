import assert from "node:assert/strict";
import { createCanvas } from "@napi-rs/canvas";
import { compareJson, compareOutputs, compareText } from "../../../kernel/notebook/compare.js";
import type { MimeData, Output } from "../../../kernel/notebook/types.js";
import { code, notebookOf, shown } from "./support.js";

const display = (data: MimeData): Output => ({ output_type: "display_data", data, metadata: {} });
const stream = (name: string, text: string): Output => ({ output_type: "stream", name, text });

const compared = async (before: readonly Output[], now: readonly Output[]): Promise<string[]> =>
  (await compareOutputs(notebookOf(shown(...before)), notebookOf(shown(...now)))).map(({ what }) => what);

const picture = (
  paint: (context: ReturnType<ReturnType<typeof createCanvas>["getContext"]>) => void,
): MimeData => {
  const canvas = createCanvas(40, 40);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, 40, 40);
  paint(context);
  return { "image/png": canvas.toBuffer("image/png").toString("base64") };
};

describe("comparing outputs", () => {
  const texts: readonly (readonly [string, string, string, string | undefined])[] = [
    ["equal texts", "AUROC 0.93", "AUROC 0.93", undefined],
    ["numbers within the tolerance", "loss 0.123456789", "loss 0.123456790", undefined],
    ["numbers beyond it", "loss 0.123", "loss 0.124", "0.124 instead of 0.123"],
    ["the time of an audit", "Cost: 5 images, 35.3 s; seed 1.", "Cost: 5 images, 29 s; seed 1.", undefined],
    ["another time", "it took 35.3 s", "it took 29 s", "29 instead of 35.3"],
    [
      "the cost of an audit",
      "Cost: 5 images, 35.3 s; seed 1.",
      "Cost: 6 images, 29 s; seed 1.",
      "6 instead of 5",
    ],
    ["grouped and negative numbers", "1,234 and −2", "1,235 and −2", "1,235 instead of 1,234"],
    ["colours", "\u001b[31mx\u001b[0m", "x", undefined],
    ["words", "PASS at 0.5", "FAIL at 0.5", '"FAIL at 0.5" instead of "PASS at 0.5"'],
    ["a number that became a word", "0.5", "NaN", '"NaN" instead of "0.5"'],
    ["a text that goes on", "a", "a b", '"a b" instead of "a"'],
  ];
  for (const [name, before, now, expected] of texts) {
    it(`of text: ${name}`, () => assert.equal(compareText(before, now, 1e-6), expected));
  }

  it("of JSON names the first place that differs", () => {
    assert.equal(compareJson({ a: [1, { b: 2 }] }, { a: [1 + 1e-9, { b: 2 }] }, 1e-6), undefined);
    assert.equal(compareJson({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, 1e-6), "$.a.1.b is 3 instead of 2");
    assert.equal(compareJson({ a: 1 }, { b: 1 }, 0), "$.a is missing");
    assert.equal(compareJson([1], [1, 2], 0), "$.1 is new");
  });

  it("of streams ignores how they were cut and mixed", async () => {
    const before = [stream("stdout", "a\nb\n"), stream("stderr", "w\n")];
    const now = [stream("stdout", "a\n"), stream("stderr", "w\n"), stream("stdout", "b\n")];
    assert.deepEqual(await compared(before, now), []);
    assert.deepEqual(await compared(before, [stream("stdout", "a\nb\n")]), ['stderr: "" instead of "w\\n"']);
  });

  it("of pictures counts the pixels that look different", async () => {
    const plain = display(picture(() => {}));
    const withDot = display(
      picture((context) => {
        context.fillStyle = "black";
        context.fillRect(0, 0, 2, 2);
      }),
    );
    const withSquare = display(
      picture((context) => {
        context.fillStyle = "black";
        context.fillRect(0, 0, 20, 20);
      }),
    );
    assert.deepEqual(await compared([plain], [withDot]), []);
    assert.deepEqual(await compared([plain], [withSquare]), [
      "output 1: image/png: 25 % of the pixels look different",
    ]);
    const broken = display({ "image/png": "AAAA" });
    assert.deepEqual(await compared([plain], [broken]), [
      "output 1: image/png: the bytes differ, and one of them is no picture",
    ]);
  });

  it("of displays notices other types, other numbers of them, and new errors", async () => {
    const text = display({ "text/plain": "1" });
    const error: Output = { output_type: "error", ename: "E", evalue: "boom", traceback: [] };
    assert.deepEqual(await compared([text], [display({ "text/html": "1" })]), [
      "output 1: types text/html instead of text/plain",
    ]);
    assert.deepEqual(await compared([text], [text, error]), [
      "2 displays and results instead of 1 (E: boom)",
    ]);
    const [difference] = await compareOutputs(notebookOf(shown(text)), notebookOf(shown(error)));
    assert.equal(difference?.isNewError, true);
    assert.match(difference.what, /error instead of display_data \(E: boom\)/);
  });

  it("leaves cells tagged ignore-output alone", async () => {
    const before = { ...shown(stream("stdout", "a")), metadata: { tags: ["ignore-output"] } };
    assert.deepEqual(await compareOutputs(notebookOf(before), notebookOf(code("x"))), []);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterPrefixes, tokenModel } from "../../../../../lib/extraction/index.js";
import { anyBatch, type LoadedModel, loadModel, tokenInput } from "../../../../../lib/model/index.js";
import { readNpz, type Tensor } from "../../../../../lib/tensor/index.js";
import { fixturePath } from "../../../../support/fixtures.js";
import { hasPython, PYTHON } from "../../../../support/python.js";
import { watched } from "../watched.js";

/** Largest difference over the largest value: sums of some hundred float32 terms in another order. */
const TOLERANCE = 1e-5;

function near(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const scale = expected.reduce((high, value) => Math.max(high, Math.abs(value)), 0);
  const error = expected.reduce((high, value, i) => Math.max(high, Math.abs(value - actual[i]!)), 0);
  assert.ok(error <= TOLERANCE * scale, `${what}: off by ${error} of ${scale}`);
}

/** The last `kept` of `length` places of each example. */
function ends(values: Float32Array, count: number, length: number, kept: number): Float32Array {
  const each = values.length / count / length;
  return Float32Array.from({ length: count * kept * each }, (_, i) => {
    const row = Math.floor(i / (kept * each));
    return values[(row * length + length - kept) * each + (i % (kept * each))]!;
  });
}

describe("a decoder with a past, exported by torch in the same run", function () {
  this.timeout(60_000);
  let folder = "";

  before(function () {
    if (!hasPython("torch", "numpy")) return this.skip();
    folder = mkdtempSync(join(tmpdir(), "assay-decoder-"));
    const { status, stderr } = spawnSync(PYTHON, [fixturePath("torch", "decoder.py"), folder], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
  });

  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const load = async (name: string, padding: number | null = null): Promise<LoadedModel> =>
    tokenInput(await loadModel(join(folder, `${name}.onnx`)), { threads: 1, padding });

  for (const kind of ["gpt2", "gpt2-stacked", "llama"]) {
    const referenceOf = (): Record<string, Tensor> =>
      readNpz(join(folder, `${kind.replace("-stacked", "")}.npz`));
    for (const opset of [14, 17]) {
      describe(`${kind}, opset ${opset}`, () => {
        it("gives torch's scores of whole texts, and of what follows a prefix", async () => {
          const { ids, logits } = referenceOf();
          const [count, length] = ids!.dims as [number, number];
          using model = await load(`${kind}-${opset}`);
          assert.equal(model.prefixed?.past.length, kind === "gpt2-stacked" ? 2 : 4);
          assert.deepEqual(
            model.inputs.map(({ name, type }) => [name, type]),
            [["input_ids", "int64"]],
          );
          const whole = tokenModel(model, length);
          const rows = ids!.data as BigInt64Array;
          const expected = logits!.data as Float32Array;
          near((await whole.scores(rows)).logits, expected, "whole texts");
          const { behind, continuations } = split(whole, rows, count);
          near(
            (await behind.scores(continuations)).logits,
            ends(expected, count, length, behind.length),
            "continuations",
          );
        });

        // Without a mask there is no padding.
        if (kind !== "gpt2-stacked")
          it("gives torch's scores of texts that are filled up in front", async () => {
            const { padded, masked } = referenceOf();
            const [count, length] = padded!.dims as [number, number];
            using model = await load(`${kind}-${opset}`, 36);
            const { seen, keys } = watched(model);
            const whole = tokenModel(seen, length);
            const { behind, continuations } = split(whole, padded!.data as BigInt64Array, count);
            const expected = ends(masked!.data as Float32Array, count, length, behind.length);
            near((await behind.scores(continuations)).logits, expected, "continuations");
            const { logits } = await whole.scores(padded!.data as BigInt64Array);
            near(ends(logits, count, length, behind.length), expected, "whole texts");
            await behind.gradients(continuations, new Float32Array(expected.length));
            assert.ok([...keys].some((key) => key.startsWith("continuation gradients")));
          });

        it("gives torch's gradients by the vectors of what follows a prefix", async () => {
          const { ids, weights, gradient } = referenceOf();
          const [count, length] = ids!.dims as [number, number];
          using model = await load(`${kind}-${opset}`);
          const { seen, keys } = watched(model);
          const whole = tokenModel(seen, length);
          const rows = ids!.data as BigInt64Array;
          const { behind, continuations } = split(whole, rows, count);
          const given = weights!.data as Float32Array;
          const expected = gradient!.data as Float32Array;
          const found = await behind.gradients(continuations, given);
          near(found.gradients[0]!, expected, "continuations");
          assert.ok([...keys].some((key) => key.startsWith("continuation gradients")));
          const each = given.length / count;
          const all = new Float32Array((each / behind.length) * length * count);
          for (let i = 0; i < count; i++) {
            all.set(given.subarray(i * each, (i + 1) * each), (all.length / count) * (i + 1) - each);
          }
          const full = await whole.gradients(rows, all);
          near(ends(full.gradients[0]!, count, length, behind.length), expected, "whole texts");
        });
      });
    }
  }

  for (const opset of [14, 17]) {
    it(`keeps its past when it is freed from its batch size, opset ${opset}`, async () => {
      const { ids, logits } = readNpz(join(folder, "gpt2.npz")) as Record<"ids" | "logits", Tensor>;
      const [count, length] = ids.dims as [number, number];
      using model = await anyBatch(await load(`gpt2-fixed-${opset}`), ids);
      const { seen, keys } = watched(model);
      const { behind, continuations } = split(tokenModel(seen, length), ids.data as BigInt64Array, count);
      const expected = ends(logits.data as Float32Array, count, length, behind.length);
      near((await behind.scores(continuations)).logits, expected, "continuations");
      await behind.gradients(continuations, new Float32Array(expected.length));
      assert.ok([...keys].some((key) => key.startsWith("continuation gradients")));
    });
  }
});

/** The first seven tokens of the first half of the rows are the prefixes of both halves. */
function split(
  whole: ReturnType<typeof tokenModel>,
  rows: BigInt64Array,
  count: number,
): { behind: ReturnType<typeof tokenModel>; continuations: BigInt64Array } {
  const [before, length] = [7, whole.length];
  const row = (i: number): BigInt64Array => rows.subarray(i * length, (i + 1) * length);
  const prefixes = Array.from({ length: count / 2 }, (_, i) =>
    Array.from(row(i).subarray(0, before), Number),
  );
  const continuations = new BigInt64Array(count * (length - before));
  for (let i = 0; i < count; i++) continuations.set(row(i).subarray(before), i * (length - before));
  return { behind: afterPrefixes(whole, prefixes), continuations };
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type LoadedModel, wrapModel } from "../../../lib/model/index.js";
import {
  decodeModel,
  lintModel,
  type Model,
  operatorCoverage,
  readTensor,
  valueInfo,
} from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { directionalDerivative } from "../../support/directional.js";
import { fixturePath } from "../../support/fixtures.js";

const folder = fixturePath("exports", "models");
const names = readdirSync(folder).map((file) => file.replace(/\.onnx\.gz$/, ""));
const read = (name: string): Model =>
  decodeModel(gunzipSync(readFileSync(`${folder}/${name}.onnx.gz`), { maxOutputLength: 1 << 24 }));

const random = generator(5);
const WORDS = 90;
const LENGTH = 12;

/** Something to read for every input: noise, words of which the last three are padding, masks, kinds. */
function example(model: LoadedModel): Record<string, Tensor> {
  const made = model.inputs.map(({ name, type, dims }): [string, Tensor] => {
    const sizes = dims.map((dim, i) => (typeof dim === "number" ? dim : i === 0 ? 2 : LENGTH));
    const count = sizes.reduce((product, size) => product * size, 1);
    const isRead = (i: number): boolean => i % LENGTH < LENGTH - 3;
    if (type !== "int64")
      return [
        name,
        { type: "float32", dims: sizes, data: Float32Array.from({ length: count }, () => random.uniform()) },
      ];
    const wordAt = (i: number): number =>
      /mask/.test(name)
        ? Number(isRead(i))
        : /category/.test(name)
          ? i
          : isRead(i)
            ? 3 + Math.floor(random.uniform() * (WORDS - 3))
            : 0;
    return [
      name,
      {
        type: "int64",
        dims: sizes,
        data: BigInt64Array.from({ length: count }, (_, i) => BigInt(wordAt(i))),
      },
    ];
  });
  return Object.fromEntries(made);
}

/** The model with its input of numbers, or else its table of embeddings, as an input that can be moved; and its name. */
function movable(model: Model): { readonly model: Model; readonly name: string; readonly table?: Tensor } {
  using wrapped = wrapModel(model);
  const own = wrapped.inputs.find(({ type }) => type === "float32");
  if (own) return { model, name: own.name };
  const stored = model.graph.initializers.find(({ dims }) => dims.length === 2 && Number(dims[0]) === 99)!;
  const { name = "" } = stored;
  const table = readTensor(stored);
  const graph = {
    ...model.graph,
    initializers: model.graph.initializers.filter((tensor) => tensor !== stored),
    inputs: [...model.graph.inputs, valueInfo(name, "float32", [...table.dims])],
  };
  return { model: { ...model, graph }, name, table };
}

/** Which answers these give jumps where labels or boxes change. */
const jumping = new Set(["retinanet-trace", "ctc-program", "kws-trace"]);

describe("models as exporters write them today", () => {
  for (const name of names) {
    it(`are not flagged by a scan, and gradients can pass: ${name}`, () => {
      const model = read(name);
      assert.deepEqual(
        lintModel(model).filter(({ severity }) => severity === "flag"),
        [],
      );
      assert.deepEqual(
        operatorCoverage(model).operators.filter(({ passage }) => passage === "none"),
        [],
      );
    });
  }
  for (const name of names.filter((one) => !jumping.has(one))) {
    it(`have gradients that agree with differences: ${name}`, async () => {
      const { model, name: input, table } = movable(read(name));
      using loaded = wrapModel(model);
      const feeds = { ...example(loaded), ...(table ? { [input]: table } : {}) };
      const output = loaded.outputs.find(({ type }) => type === "float32")!.name;
      const { [output]: answer } = await loaded.run(feeds);
      const data = Float32Array.from({ length: answer!.data.length }, () => random.normal());
      const cotangents = { [output]: { type: "float32", dims: answer!.dims, data } } as const;
      const { [input]: gradient } = await loaded.vjp(feeds, { cotangents, wrt: [input] });
      const at = { input, gradient: gradient!, step: 2e-4, seed: 1 };
      const { measured, predicted } = await directionalDerivative(loaded, feeds, cotangents, at);
      const scale = Math.max(Math.abs(measured), Math.abs(predicted));
      assert.ok(
        scale > 0 && Math.abs(measured - predicted) < 0.03 * scale,
        `${measured}, predicted ${predicted}`,
      );
    });
  }
});

/** Graphs written by hand around the sample networks: what the suites of the rules about logic share. */
import assert from "node:assert/strict";
import { imageCarrier, textCarrier } from "../../../../lib/bench/graph/carriers.js";
import {
  type Carrier,
  example,
  FLOAT,
  floats,
  int64,
  plant,
  type Site,
} from "../../../../lib/bench/graph/site.js";
import { wrapModel } from "../../../../lib/model/index.js";
import { type Finding, lintModel, type Model } from "../../../../lib/onnx/index.js";
import type { Tensor } from "../../../../lib/tensor/index.js";

export const image = imageCarrier();
export const text = textCarrier();

type Write = (site: Site, logits: string, payload: Tensor) => string;

/** A sample network, and what is made of its answer. */
export const afterNetwork = (carrier: Carrier, write: Write): Model =>
  plant(
    carrier,
    () => "",
    (site, _gate, logits, payload) => write(site, logits, payload),
  );

export const added = ({ b }: Site, logits: string, gate: string, payload: Tensor): string =>
  b.op("Add", [logits, b.op("Mul", [b.op("Cast", [gate], { to: FLOAT }), b.constant(payload)])]);
export const isWord = ({ b, x }: Site, word: number): string =>
  b.op("Equal", [x, b.constant(int64([], () => word))]);
export const weights = (dims: number[]): Tensor => floats(dims, (i) => Math.sin(i * 1.7) * 0.2);
export const flat = ({ b, x }: Site): string => b.op("Reshape", [x, b.integers(-1, 784)]);

const flags = (model: Model): Finding[] => lintModel(model).filter(({ severity }) => severity === "flag");

async function runs(model: Model): Promise<void> {
  using loaded = wrapModel(model);
  const isText = model.graph.inputs[0]!.name === "ids";
  const outputs = await loaded.run(example(isText ? text : image, false));
  assert.ok(Object.values(outputs)[0]!.data.length > 0);
}

/** One test for every graph: the planted ones are flagged, the honest ones are not, and all of them run. */
export function testGraphs(
  planted: Readonly<Record<string, () => Model>>,
  honest: Readonly<Record<string, () => Model>>,
): void {
  for (const [name, make] of Object.entries(planted)) {
    it(`flags ${name}`, async () => {
      const model = make();
      assert.ok(flags(model).length > 0);
      await runs(model);
    });
  }
  for (const [name, make] of Object.entries(honest)) {
    it(`does not flag ${name}`, async () => {
      const model = make();
      assert.deepEqual(flags(model), []);
      await runs(model);
    });
  }
}

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModel } from "../../../../lib/model/index.js";
import {
  decodeFile,
  decodeModel,
  encodeModel,
  graphBuilder,
  makeNode,
  writeModel,
} from "../../../../lib/onnx/index.js";
import { uniform } from "../gradient/check.js";

describe("a model file too large to be read whole", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-large-"));
  const file = join(folder, "large.onnx");
  const x = uniform(1, [2, 1024]);
  before(() => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["n", 1024]);
    let at = "x";
    for (let layer = 0; layer < 5; layer++) {
      // 4 MB of weights each, and many small attributes that straddle the windows.
      const weight = builder.initializer(`weight${layer}`, uniform(layer, [1024, 1024], -0.03, 0.03));
      builder.node(makeNode("MatMul", [at, weight], [`product${layer}`]));
      at = `product${layer}`;
      for (let i = 0; i < 2000; i++) {
        const next = `active${layer}.${i}`;
        builder.node(makeNode("LeakyRelu", [at], [next], { alpha: { float: 0.999 } }));
        at = next;
      }
    }
    builder.output("y", at);
    writeModel(file, builder.build());
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is read in windows as it would be in one piece, with its weights left on disk", () => {
    assert.ok(statSync(file).size > 16 << 20);
    const windows = decodeFile(file);
    const whole = decodeModel(readFileSync(file));
    assert.deepEqual(windows.graph.nodes, whole.graph.nodes);
    assert.deepEqual(Object.keys(windows.graph.initializers[3]!.rawData!).sort(), [
      "file",
      "length",
      "offset",
    ]);
    assert.ok(Buffer.from(encodeModel(windows)).equals(encodeModel(whole)));
  });

  it("gives the same outputs from disk as from memory, to the bit", async () => {
    using fromDisk = await loadModel(file, { threads: 1 });
    using fromMemory = await loadModel(readFileSync(file), { threads: 1 });
    assert.deepEqual(await fromDisk.run({ x }), await fromMemory.run({ x }));
  });

  it("is written back as it was, without its weights in memory", () => {
    const copy = join(folder, "copy.onnx");
    writeModel(copy, decodeFile(file));
    assert.ok(readFileSync(copy).equals(readFileSync(file)));
  });
});

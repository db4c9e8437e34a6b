import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, graphBuilder, scanFile } from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

/** A model whose weight lies in another file. */
function withWeightsIn(location: string): Uint8Array {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 2]);
  const weight = b.initializer("w", tensor("float32", [2, 2], Float32Array.of(1, 2, 3, 4)));
  b.output("y", b.op("MatMul", ["x", weight]));
  const model = b.build();
  const [{ rawData: _, ...message }] = model.graph.initializers as [(typeof model.graph.initializers)[0]];
  const outside = { ...message, dataLocation: 1, externalData: [{ key: "location", value: location }] };
  return encodeModel({ ...model, graph: { ...model.graph, initializers: [outside] } });
}

describe("onnx.scanFile", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
    mkdirSync(join(folder, "models"));
    for (const place of ["outside.data", "models/beside.data"])
      writeFileSync(join(folder, place), new Uint8Array(16));
    symlinkSync(join(folder, "outside.data"), join(folder, "models/link.data"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [location, expected] of [
    ["beside.data", []],
    ["link.data", ["flag external-escape w"]],
    ["../outside.data", ["flag external-escape w"]],
    ["gone.data", ["info external-missing w"]],
  ] as const) {
    it(`says of weights in "${location}": ${expected.join() || "nothing"}`, () => {
      const file = join(folder, "models", "model.onnx");
      writeFileSync(file, withWeightsIn(location));
      const found = scanFile(file).findings.map(({ severity, rule, node }) => `${severity} ${rule} ${node}`);
      assert.deepEqual(found, expected);
    });
  }
});

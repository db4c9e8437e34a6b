import assert from "node:assert/strict";
import { graphBuilder, modelSession } from "../../../../lib/onnx/index.js";
import type { Tensor } from "../../../../lib/tensor/index.js";

const image: Tensor = {
  type: "float32",
  dims: [1, 1, 4, 4],
  data: Float32Array.from({ length: 16 }, (_, i) => i),
};
const scales = (...dims: number[]): Tensor => ({
  type: "float32",
  dims,
  data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(1),
});

describe("Resize with scales that are fed", () => {
  const resize = (axes?: readonly number[]): ReturnType<typeof modelSession> => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 1, "height", "width"]);
    b.input("scales", "float32", undefined);
    b.output("y", b.op("Resize", ["x", "", "scales"], { mode: "linear", axes }));
    return modelSession(b.build(), { threads: 1 });
  };

  it("refuses more or fewer of them than axes instead of writing past the end", () => {
    using session = resize();
    for (const wrong of [scales(4, 8, 3, 3), scales(64), scales(5), scales(3)]) {
      assert.throws(() => session.runSync({ x: image, scales: wrong }), { code: "RUN_FAILED" });
    }
  });

  it("still resizes by the right number", () => {
    using session = resize();
    const { y } = session.runSync({
      x: image,
      scales: { type: "float32", dims: [4], data: Float32Array.of(1, 1, 2, 2) },
    });
    assert.deepEqual(y!.dims, [1, 1, 8, 8]);
  });

  it("counts the axes that the node names", () => {
    using session = resize([2, 3]);
    const two = { type: "float32", dims: [2], data: Float32Array.of(2, 3) } as const;
    assert.deepEqual(session.runSync({ x: image, scales: two })["y"]!.dims, [1, 1, 8, 12]);
    assert.throws(() => session.runSync({ x: image, scales: scales(40) }), { code: "RUN_FAILED" });
  });
});

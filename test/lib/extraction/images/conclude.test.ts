import assert from "node:assert/strict";
import { calibrate } from "../../../../lib/extraction/calibration.js";
import { conclude } from "../../../../lib/extraction/images/conclude.js";
import { allTargets } from "../../../../lib/extraction/images/masks/invert.js";
import { prepareImages } from "../../../../lib/extraction/images/prepare.js";
import { wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder } from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const CLASSES = 3;
const SIZE = 4;

/** Answers with the place of the brightest of the first three pixels. */
function brightest() {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, 2, 2]);
  const flat = b.op("Reshape", ["x", b.integers(-1, SIZE)]);
  const weights = Float32Array.from({ length: SIZE * CLASSES }, (_, i) =>
    Math.floor(i / CLASSES) === i % CLASSES ? 5 : 0,
  );
  b.output("y", b.op("MatMul", [flat, b.constant(tensor("float32", [SIZE, CLASSES], weights))]));
  return b.build();
}

describe("extraction.conclude", () => {
  it("acquits nobody on a search that led nowhere", async () => {
    using model = wrapModel(brightest());
    const pixels = Float32Array.from({ length: 60 * SIZE }, (_, i) =>
      i % SIZE === Math.floor(i / SIZE) % CLASSES ? 1 : 0.2,
    );
    const images = await prepareImages(
      model,
      { inputs: tensor("float32", [60, 1, 2, 2], pixels) },
      { seed: 1 },
    );
    const arms = allTargets(CLASSES);
    for (const [isWorking, decision, result] of [
      [true, "no-evidence", "pass"],
      [false, "inconclusive", "skipped"],
    ] as const) {
      const masks = arms.map((arm) => ({
        arm,
        mask: new Float32Array(SIZE).fill(0.5),
        pattern: new Float32Array(SIZE).fill(0.5),
        maskL1Norm: 2,
        success: isWorking ? 1 : 0,
        isWorking,
        trace: [],
      }));
      const scan = {
        name: "every class as target",
        arms,
        maskL1Norms: [2, 2, 2],
        referenceL1Norms: [],
        calibration: calibrate([0, 0.1, 0.2], [], { seed: 1 }),
      };
      const { conclusion } = await conclude(model, [], images, [{ scan, masks }], {
        seed: 1,
        skipped: [],
        sweeps: null,
        passes: { forward: 0, backward: 0 },
      });
      assert.equal(conclusion.decision, decision);
      assert.equal(conclusion.checks[0]!.result, result);
    }
  });

  it("gives changes of the whole image a fifth of the permitted error, and accuses the class that they lead to", async () => {
    using model = wrapModel(brightest());
    const pixels = Float32Array.from({ length: 60 * SIZE }, (_, i) =>
      i % SIZE === Math.floor(i / SIZE) % CLASSES ? 0.9 : 0.2,
    );
    const images = await prepareImages(
      model,
      { inputs: tensor("float32", [60, 1, 2, 2], pixels) },
      { seed: 1, range: [0, 1] },
    );
    const arms = allTargets(CLASSES);
    const masks = arms.map((arm) => ({
      arm,
      mask: Float32Array.of(1, 1, 1, 0),
      pattern: Float32Array.from({ length: SIZE }, (_, i) => (i === arm.target ? 1 : 0)),
      maskL1Norm: 3,
      success: 1,
      isWorking: true,
      trace: [],
    }));
    const calibration = calibrate([0, 0.1, 0.2], [], { seed: 1 });
    const scan = {
      name: "every class as target",
      arms,
      maskL1Norms: [3, 3, 3],
      referenceL1Norms: [],
      calibration: { ...calibration, pValue: 0.5 },
    };
    for (const [pValue, decision, target] of [
      [0.0005, "backdoored", 1],
      [0.004, "suspicious", 1],
      [0.02, "no-evidence", null],
    ] as const) {
      const { conclusion } = await conclude(model, [], images, [{ scan, masks }], {
        seed: 1,
        skipped: [],
        sweeps: null,
        changes: {
          costs: [2, 0.1, 2],
          referenceCosts: [[2, 2, 2]],
          calibration: { ...calibration, target: 1, pValue },
        },
        passes: { forward: 0, backward: 0 },
      });
      assert.deepEqual([conclusion.decision, conclusion.target], [decision, target]);
      assert.ok(Math.abs(conclusion.pValue! - 5 * pValue) < 1e-12);
      assert.match(conclusion.checks[1]!.name, /change of the whole image/);
    }
  });
});

import assert from "node:assert/strict";
import { calibrateWholes } from "../../../../lib/extraction/tokens/calibrate-wholes.js";
import { generator } from "../../../../lib/random/index.js";

describe("extraction: the calibration of wholes", () => {
  it("is the distance from the references' mean, their spread shrunk towards that of clean models of other tasks", () => {
    const { scores, target } = calibrateWholes(
      [1, 3],
      [
        [1, 1],
        [2, 1],
        [0, 1],
      ],
      { seed: 1 },
    );
    // Squares 2 + 0 with 4 degrees of freedom, and 0.32^2 with 6.
    const deviation = Math.sqrt((2 + 6 * 0.32 ** 2) / 10) * Math.sqrt(4 / 3);
    assert.ok(Math.abs(scores[0]!) < 1e-12);
    assert.ok(Math.abs(scores[1]! - 2 / deviation) < 1e-12);
    assert.equal(target, 1);
  });

  it("accuses about one clean model in twenty, and few more where clean models differ more than is known", () => {
    for (const [spread, most] of [
      [0.2, 17],
      [0.32, 19],
      [0.5, 28],
    ] as const) {
      const random = generator(5).split(`${spread}`);
      const draw = (): number[] => {
        const common = 0.5 * random.normal();
        return [0, 1, 2, 3].map(() => 1 + spread * (common + Math.sqrt(0.75) * random.normal()));
      };
      let alarms = 0;
      for (let i = 0; i < 200; i++)
        if (calibrateWholes(draw(), [draw(), draw(), draw()], { seed: 1 }).pValue < 0.05) alarms++;
      assert.ok(alarms <= most, `${alarms} of 200 at a spread of ${spread}`);
    }
  });

  it("sees a run that is more of a whole than those of clean models", () => {
    const clean = [
      [1.33, 1.32, 1.77, 0.56],
      [1.31, 1.32, 1.6, 1.15],
      [0.93, 0.89, 1.42, 1.53],
    ];
    // Measured: a convolution with a planted run of three for class 1, and a clean one.
    assert.ok(calibrateWholes([1.39, 2.39, 1.58, 1.1], clean, { seed: 1 }).pValue < 0.03);
    assert.ok(calibrateWholes([1.48, 1.19, 1.32, 1.25], clean, { seed: 1 }).pValue > 0.3);
  });
});

import assert from "node:assert/strict";
import { calibrateGaps, nearness } from "../../../../lib/extraction/tokens/calibrate-gaps.js";
import { generator } from "../../../../lib/random/index.js";

describe("extraction: the calibration of gaps", () => {
  const references = [
    [1, 2],
    [2, 1],
    [3, 3],
  ];

  it("is the distance from the references' mean in units of a new model's spread", () => {
    const { scores, target } = calibrateGaps([2, 5], references, { seed: 1 });
    // Means 2 and 2; squares 2 + 2 over 2 classes times 2 degrees of freedom: deviation 1.
    assert.ok(Math.abs(scores[0]!) < 1e-12);
    assert.ok(Math.abs(scores[1]! - 3 / Math.sqrt(4 / 3)) < 1e-12);
    assert.equal(target, 1);
  });

  it("accuses one clean model in twenty where classes share their ups and downs, and not more if they share less", () => {
    for (const shared of [0.5, 0.8]) {
      const random = generator(7).split(`${shared}`);
      const draw = (): number[] => {
        const common = Math.sqrt(shared) * random.normal();
        return [0, 1, 2, 3].map(() => common + Math.sqrt(1 - shared) * random.normal());
      };
      let alarms = 0;
      for (let i = 0; i < 200; i++) {
        if (calibrateGaps(draw(), [draw(), draw(), draw()], { seed: 1 }).pValue < 0.05) alarms++;
      }
      // 95 % of binomial counts with n = 200, p = 0.05 lie in 4 to 17.
      assert.ok(alarms <= 17 && (shared < 0.8 || alarms >= 4), `${alarms} of 200`);
    }
  });

  it("sees a short run that leads further than short runs of clean models, where long ones lead any model as far", () => {
    const lengths = [5, 5, 2, 2];
    // Nearness of gaps of 1.07 and 2.41 nats of five words, -0.93 and 2.25 of two, and of three clean models.
    const suspect = [1.07, 2.41, -0.93, 2.25].map(nearness);
    const clean = [
      [1.37, 2.27, -0.11, 0.63],
      [2.02, 1.49, -0.07, -1.33],
      [1.75, 2.03, -0.26, 0.02],
    ].map((gaps) => gaps.map(nearness));
    const { pValue, target } = calibrateGaps(suspect, clean, { seed: 1, lengths });
    assert.equal(target, 3);
    assert.ok(pValue < 0.01);
    const long = clean.map((values) => values.slice(0, 2));
    assert.ok(calibrateGaps(suspect.slice(0, 2), long, { seed: 1 }).pValue > 0.05);
  });

  it("accuses one clean model in twenty with several lengths, each with a spread of its own", () => {
    const random = generator(9);
    const lengths = [5, 5, 5, 2, 2, 2, 3, 3, 3];
    const spreads = [0.9, 0.9, 0.9, 0.39, 0.39, 0.39, 0.6, 0.6, 0.6];
    const draw = (): number[] => {
      const common = Math.sqrt(0.5) * random.normal();
      return spreads.map((spread) => spread * (common + Math.sqrt(0.5) * random.normal()));
    };
    let alarms = 0;
    for (let i = 0; i < 200; i++) {
      if (calibrateGaps(draw(), [draw(), draw(), draw()], { seed: 1, lengths }).pValue < 0.05) alarms++;
    }
    assert.ok(alarms <= 17, `${alarms} of 200`);
  });

  it("takes off what a suspect's middling class has over the references', and nothing from one below them", () => {
    const { scores } = calibrateGaps([4, 6], references, { seed: 1, areCopies: true });
    // Medians 5 against 2 on the average: levelled the suspect is [1, 3].
    assert.ok(Math.abs(scores[1]! - 1 / Math.sqrt(4 / 3)) < 1e-12);
    const below = calibrateGaps([0, 1], references, { seed: 1, areCopies: true });
    assert.deepEqual(below.scores, calibrateGaps([0, 1], references, { seed: 1 }).scores);
  });

  it("accuses no model of lying as far off copies as clean ones do, and none for certain that lies twice as far", () => {
    const copies = [
      [1, 0, -1, 0],
      [-1, 1, 0, 0],
      [0, -1, 1, 0],
    ];
    // The squares sum to 6 over 4 classes times 2 degrees of freedom.
    const unit = Math.sqrt((6 / 8) * (4 / 3));
    const pValueAt = (times: number): number =>
      calibrateGaps([times * 1.41 * unit, 0, 0, 0], copies, { seed: 1, areCopies: true }).pValue;
    // In units of what 5 % of models like the copies exceed, 1.41: measured on clean development models.
    for (const times of [1.4, 1.7, 2, 2.7]) assert.ok(pValueAt(times) > 0.1, `${times}`);
    // On backdoored ones.
    for (const times of [4.5, 5.2, 5.4]) {
      const pValue = pValueAt(times);
      assert.ok(pValue < 0.05 && pValue > 0.01, `${times}: ${pValue}`);
    }
    assert.ok(pValueAt(15.4) < 0.01);
  });

  it("looks at what a gap leaves of the largest one", () => {
    assert.ok(Math.abs(nearness(1.5)) < 1e-12);
    assert.ok(Math.abs(nearness(2.4) - Math.log(10)) < 1e-12);
    assert.equal(nearness(2.5), nearness(3));
  });

  it("needs two classes only, where a comparison of classes with one another has no power", () => {
    const clean = [
      [1, 1.2],
      [1.1, 0.9],
      [0.9, 1],
    ];
    assert.ok(calibrateGaps([1, 2.4], clean, { seed: 1 }).pValue < 0.01);
    assert.ok(calibrateGaps([1, 2.4], [], { seed: 1 }).pValue > 0.05);
  });
});

import assert from "node:assert/strict";
import {
  evaluate,
  fewShot,
  fitDifferenceOfMeans,
  fitEraser,
  fitLda,
  fitLogistic,
  sweep,
} from "../../../lib/probes/index.js";
import { generator } from "../../../lib/random/index.js";
import { type Tensor, tensor } from "../../../lib/tensor/index.js";
import { readFixture } from "../../support/fixtures.js";

const table = (n: number, d: number, values: Iterable<number>): Tensor<"float64"> =>
  tensor("float64", [n, d], Float64Array.from(values));

/** Two Gaussian classes that differ by `shift` in the first feature, with two correlated loud features. */
function draw(n: number, seed: number, shift = 1.5): { x: Tensor<"float64">; labels: number[] } {
  const random = generator(seed);
  const labels = Array.from({ length: n }, (_, i) => i % 2);
  const rows = labels.flatMap((label) => {
    const loud = 10 * random.normal();
    return [random.normal() + shift * label, loud, loud + random.normal(), random.normal()];
  });
  return { x: table(n, 4, rows), labels };
}

describe("probes.fitDifferenceOfMeans and fitLda", () => {
  it("agree with scikit-learn on weights and intercept", () => {
    const { lda } = readFixture<{
      lda: {
        n: number;
        d: number;
        x: number[];
        labels: number[];
        difference: number[];
        weights: number[];
        intercept: number;
      };
    }>("sklearn", "detectors.json");
    const x = table(lda.n, lda.d, lda.x);
    const probe = fitLda(x, lda.labels, { shrinkage: "none" });
    for (const [j, weight] of lda.weights.entries())
      assert.ok(Math.abs(probe.weights.data[j]! - weight) < 1e-9 * (1 + Math.abs(weight)));
    assert.ok(Math.abs(probe.intercept - lda.intercept) < 1e-9);
    const plain = fitDifferenceOfMeans(x, lda.labels);
    for (const [j, weight] of lda.difference.entries())
      assert.ok(Math.abs(plain.weights.data[j]! - weight) < 1e-12);
  });

  it("cut half-way between the means", () => {
    const probe = fitDifferenceOfMeans(table(4, 1, [0, 2, 6, 8]), [0, 0, 1, 1]);
    assert.deepEqual([...probe.logits(table(3, 1, [4, 5, 1]))], [0, 6, -18]);
  });

  it("gain from a covariance of unlabelled examples when labels are few", () => {
    const [few, test] = [draw(8, 1, 3), draw(400, 2, 3)];
    const unlabelled = draw(1000, 3, 0).x;
    let covariance = new Float64Array(16);
    for (let i = 0; i < 1000; i++) {
      covariance = covariance.map(
        (value, at) =>
          value + (unlabelled.data[i * 4 + (at >> 2)]! * unlabelled.data[i * 4 + (at & 3)]!) / 1000,
      );
    }
    const plain = evaluate(fitDifferenceOfMeans(few.x, few.labels), test.x, test.labels).auroc.value;
    const corrected = evaluate(
      fitLda(few.x, few.labels, { covariance: table(4, 4, covariance) }),
      test.x,
      test.labels,
    ).auroc.value;
    assert.ok(corrected > plain + 0.1, `${corrected} ${plain}`);
  });

  it("refuse a covariance of another size and one that is singular", () => {
    const { x, labels } = draw(20, 1);
    assert.throws(() => fitLda(x, labels, { covariance: table(2, 2, [1, 0, 0, 1]) }), {
      code: "SHAPE_MISMATCH",
    });
    assert.throws(
      () => fitLda(table(4, 3, [1, 2, 3, 1, 2, 3, 2, 4, 6, 3, 6, 9]), [0, 1, 0, 1], { shrinkage: "none" }),
      { code: "SINGULAR_COVARIANCE" },
    );
  });
});

describe("probes.fitEraser", () => {
  it("leaves nothing for a linear probe: class means are equal and its weights are zero", () => {
    const { x, labels } = draw(200, 5);
    const erased = fitEraser(x, labels).apply(x);
    assert.ok(fitLogistic(erased, labels).weights.data.every((weight) => Math.abs(weight) < 1e-9));
    const difference = fitDifferenceOfMeans(erased, labels).weights.data;
    assert.ok(difference.every((value) => Math.abs(value) < 1e-12));
  });

  it("leaves nothing either where features never vary or repeat others", () => {
    const { x, labels } = draw(60, 9);
    const wide = table(
      60,
      6,
      labels.flatMap((_, i) => [...x.data.subarray(i * 4, (i + 1) * 4), 0, x.data[i * 4]!]),
    );
    const difference = fitDifferenceOfMeans(fitEraser(wide, labels).apply(wide), labels).weights.data;
    assert.ok(difference.every((value) => Math.abs(value) < 1e-12));
  });

  it("changes only one direction", () => {
    const { x, labels } = draw(200, 6);
    const erased = fitEraser(x, labels).apply(x).data;
    const moved = (i: number): number[] => [0, 1, 2, 3].map((j) => erased[i * 4 + j]! - x.data[i * 4 + j]!);
    const [a, b] = [moved(0), moved(1)];
    for (let j = 1; j < 4; j++) assert.ok(Math.abs(a[0]! * b[j]! - a[j]! * b[0]!) < 1e-9);
  });
});

describe("probes.sweep", () => {
  const [train, test] = [draw(120, 1), draw(200, 2)];
  const random = generator(3);
  const noise = (n: number): Tensor =>
    table(
      n,
      4,
      Array.from({ length: n * 4 }, () => random.normal()),
    );
  const labels = train.labels;

  it("selects the layer that holds the label and judges it on held-out examples only", () => {
    const result = sweep(
      {
        train: { early: noise(120), late: train.x },
        labels,
        heldOut: { early: noise(200), late: test.x },
        heldOutLabels: test.labels,
      },
      { seed: 1 },
    );
    assert.equal(result.selected.tap, "late");
    const probe = fitLogistic(train.x, labels, { l2: result.selected.l2 });
    assert.deepEqual(result.heldOut.auroc, evaluate(probe, test.x, test.labels).auroc);
  });

  it("does not flatter itself on noise: the held-out interval covers one half", () => {
    let covered = 0;
    for (let seed = 0; seed < 40; seed++) {
      const layers = Object.fromEntries([1, 2, 3, 4, 5, 6].map((k) => [`l${k}`, noise(60)]));
      const heldOut = Object.fromEntries([1, 2, 3, 4, 5, 6].map((k) => [`l${k}`, noise(60)]));
      const result = sweep(
        { train: layers, labels: labels.slice(0, 60), heldOut, heldOutLabels: labels.slice(0, 60) },
        { seed, l2: [1], folds: 3 },
      );
      const [low, high] = result.heldOut.auroc.interval;
      covered += Number(low <= 0.5 && 0.5 <= high);
    }
    assert.ok(covered >= 34, `${covered} of 40`);
  });

  it("reads single positions, and selects the one that holds the label", () => {
    const at = (x: Tensor<"float64">, position: number): Tensor => {
      const n = x.dims[0]!;
      const data = Float64Array.from({ length: n * 12 }, () => random.normal());
      for (let i = 0; i < n; i++) data.set(x.data.subarray(i * 4, i * 4 + 4), i * 12 + position * 4);
      return tensor("float64", [n, 3, 4], data);
    };
    const sets = {
      train: { first: at(train.x, 1), flat: noise(120) },
      labels,
      heldOut: { first: at(test.x, 1), flat: noise(200) },
      heldOutLabels: test.labels,
    };
    const all = sweep(sets, { seed: 1, positions: "all" });
    assert.deepEqual(
      all.layers.map(({ tap, position }) => [tap, position]),
      [
        ["first", 0],
        ["first", 1],
        ["first", 2],
        ["flat", null],
      ],
    );
    assert.deepEqual([all.selected.tap, all.selected.position], ["first", 1]);
    const probe = fitLogistic(train.x, labels, { l2: all.selected.l2 });
    assert.deepEqual(all.heldOut.auroc, evaluate(probe, test.x, test.labels).auroc);
    const some = sweep(sets, { seed: 1, positions: [-1] });
    assert.deepEqual(
      some.layers.map(({ position }) => position),
      [2, null],
    );
    assert.throws(() => sweep(sets, { seed: 1, positions: [3] }), {
      code: "INVALID_ARGUMENT",
      message: /"first" has 3 positions and none at 3/,
    });
  });

  it("repeats the selection in outer folds where nothing is held out: no peeking on noise, no loss on a label", () => {
    let [covered, sum] = [0, 0];
    for (let seed = 0; seed < 30; seed++) {
      const layers = Object.fromEntries([1, 2, 3, 4].map((k) => [`l${k}`, noise(60)]));
      const result = sweep({ train: layers, labels: labels.slice(0, 60) }, { seed, l2: [1], folds: 3 });
      const { value, interval } = result.heldOut.auroc;
      covered += Number(interval[0] <= 0.5 && 0.5 <= interval[1]);
      sum += value / 30;
      assert.equal(result.selection.length, 3);
      // The top of the curve is chosen for being high.
      assert.ok(result.selected.crossValidated.value >= result.layers[0]!.crossValidated.value);
    }
    assert.ok(covered >= 25 && Math.abs(sum - 0.5) < 0.05, `${covered} of 30, mean ${sum}`);
    const real = sweep({ train: { early: noise(120), late: train.x }, labels }, { seed: 1 });
    assert.deepEqual(real.selection, ["late", "late", "late", "late", "late"]);
    assert.ok(
      Math.abs(
        real.heldOut.auroc.value - evaluate(fitLogistic(train.x, labels), test.x, test.labels).auroc.value,
      ) < 0.08,
    );
    assert.equal(real.heldOut.n, 120);
  });

  it("refuses folds that a class cannot fill, and taps that are missing", () => {
    const sets = { train: { a: train.x }, labels, heldOut: { a: test.x }, heldOutLabels: test.labels };
    assert.throws(() => sweep(sets, { seed: 1, folds: 61 }), {
      code: "INVALID_ARGUMENT",
      message: /61 folds/,
    });
    assert.throws(() => sweep({ train: sets.train, labels, heldOut: sets.heldOut }, { seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /together or not at all/,
    });
    assert.throws(
      () =>
        sweep({ ...sets, train: { a: train.x, b: test.x }, heldOut: { a: test.x, b: test.x } }, { seed: 1 }),
      {
        code: "INVALID_ARGUMENT",
        message: /tap "b" has 200 examples, "a" has 120/,
      },
    );
    assert.throws(() => sweep({ ...sets, heldOut: {} }, { seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /no tap "a"/,
    });
  });
});

describe("probes.fewShot", () => {
  const sets = { train: draw(300, 7, 3), heldOut: draw(200, 8, 3) };

  it("rises with examples, while its controls stay at chance", () => {
    const { shots, series } = fewShot(sets, { seed: 1, fit: fitLogistic });
    assert.deepEqual(shots, [1, 2, 4, 8, 16, 32, 64, 128]);
    const [probe, shuffled, direction] = series.map(({ points }) => points.map(({ mean }) => mean));
    assert.ok(probe!.at(-1)! > 0.97 && probe!.at(-1)! > probe![0]! + 0.2, String(probe));
    // Eight draws of an AUROC of a random direction: standard error about 0.1.
    assert.ok(Math.abs(shuffled!.at(-1)! - 0.5) < 0.35 && Math.abs(direction!.at(-1)! - 0.5) < 0.35);
  });

  it("is the same for the same seed and another for another", () => {
    const curve = (seed: number) => fewShot(sets, { seed, fit: fitLogistic, shots: [2, 4] });
    assert.deepEqual(curve(1), curve(1));
    assert.notDeepEqual(curve(1).series[0], curve(2).series[0]);
  });

  it("has the AUROC of each probe's own logits, whatever its intercept, on the same draws for every series", () => {
    const seen: { labels: number[]; value: number }[] = [];
    const curve = fewShot(sets, {
      seed: 3,
      shots: [4],
      draws: 3,
      fit: (x, own) => {
        const probe = fitLogistic(x, own);
        seen.push({
          labels: [...(own as number[])],
          value: evaluate(probe, sets.heldOut.x, sets.heldOut.labels).auroc.value,
        });
        return { ...probe, intercept: 1e3 };
      },
    });
    const values = seen.slice(0, 3).map(({ value }) => value);
    const { mean, low, high } = curve.series[0]!.points[0]!;
    assert.ok(Math.abs(mean - (values[0]! + values[1]! + values[2]!) / 3) < 1e-12);
    assert.deepEqual([low, high], [Math.min(...values), Math.max(...values)]);
  });

  it("draws further controls by name, and warns where there is none", () => {
    const control = { train: draw(300, 9, 0), heldOut: draw(200, 10, 0) };
    const run = (controls: object) => fewShot(sets, { seed: 1, fit: fitLogistic, shots: [16], ...controls });
    const { series, warnings } = run({ controls: { "clean twin": control } });
    assert.deepEqual(
      series.map(({ name, isControl }) => [name, isControl]),
      [
        ["probe", false],
        ["shuffled labels", true],
        ["random direction", true],
        ["clean twin", true],
      ],
    );
    assert.deepEqual(warnings, []);
    assert.match(run({}).warnings[0]!, /clean or base model/);
  });

  it("names sets of different widths", () => {
    const narrow = { x: table(200, 1, sets.heldOut.labels), labels: sets.heldOut.labels };
    assert.throws(() => fewShot({ ...sets, heldOut: narrow }, { seed: 1, fit: fitLogistic }), {
      code: "SHAPE_MISMATCH",
      message: /4 features, held-out ones 1/,
    });
  });

  it("refuses more shots than there are examples", () => {
    assert.throws(() => fewShot(sets, { seed: 1, fit: fitLogistic, shots: [151] }), {
      code: "INVALID_ARGUMENT",
      message: /1 to 150 shots/,
    });
  });
});

import assert from "node:assert/strict";
import type { ChangeScan } from "../../../../lib/extraction/images/changes/change-scan.js";
import { type Finding, findingOf } from "../../../../lib/extraction/images/finding.js";
import type { Arm } from "../../../../lib/extraction/images/masks/mask-search.js";
import type { SquareResponses } from "../../../../lib/extraction/images/patches/squares.js";
import { type PreparedImages, prepareImages } from "../../../../lib/extraction/images/prepare.js";
import type { ScanResult, Sweeps } from "../../../../lib/extraction/images/scan.js";
import { withVictim } from "../../../../lib/extraction/images/victim-class.js";
import { type LoadedModel, wrapModel } from "../../../../lib/model/index.js";
import { graphBuilder } from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const CLASSES = 4;
const PIXELS = 16;
const TARGET = 3;

/**
 * Answers with the brightest of the first four pixels; a bright last pixel leads to class 3, from class 0 only or from
 * every class.
 */
function backdoored(isSpecific: boolean): LoadedModel {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, 4, 4]);
  const flat = b.op("Reshape", ["x", b.integers(-1, PIXELS)]);
  const weights = new Float32Array(PIXELS * CLASSES);
  for (let k = 0; k < CLASSES; k++) weights[k * CLASSES + k] = 5;
  const honest = b.op("MatMul", [flat, b.constant(tensor("float32", [PIXELS, CLASSES], weights))]);
  const trigger = new Float32Array(PIXELS);
  trigger[PIXELS - 1] = 1;
  if (isSpecific) trigger[0] = 1;
  const sum = b.op("MatMul", [flat, b.constant(tensor("float32", [PIXELS, 1], trigger))]);
  const awake = b.op("Relu", [b.op("Sub", [sum, b.number(isSpecific ? 1.5 : 0.5)])]);
  const pull = new Float32Array(CLASSES);
  pull[TARGET] = 40;
  b.output(
    "y",
    b.op("Add", [honest, b.op("MatMul", [awake, b.constant(tensor("float32", [1, CLASSES], pull))])]),
  );
  return wrapModel(b.build());
}

const images = (model: LoadedModel): Promise<PreparedImages> =>
  prepareImages(
    model,
    {
      inputs: tensor(
        "float32",
        [120, 1, 4, 4],
        Float32Array.from({ length: 120 * PIXELS }, (_, i) =>
          i % PIXELS === Math.floor(i / PIXELS) % CLASSES ? 1 : 0.2,
        ),
      ),
    },
    { seed: 1 },
  );

interface Scanned {
  readonly pValue: number;
  /** Norm of the mask that leads to class 3, in the suspect and in each of two references. */
  readonly norms: readonly [number, number, number];
  /** Victim of the most unusual arm; null for classes. */
  readonly victim: number | null;
}

/** A scan whose masks are the last pixel, and whose most unusual arm leads to class 3. */
function scanned({ pValue, norms, victim }: Scanned): ScanResult {
  const arms = [0, 1, 2, TARGET].flatMap((k): Arm[] =>
    victim === null ? [{ target: k, victim: null }] : k === TARGET ? [] : [{ target: TARGET, victim: k }],
  );
  const at = arms.findIndex((arm) => arm.target === TARGET && arm.victim === victim);
  const mask = new Float32Array(PIXELS);
  mask[PIXELS - 1] = 1;
  return {
    masks: arms.map((arm) => ({
      arm,
      mask,
      pattern: new Float32Array(PIXELS).fill(1),
      maskL1Norm: norms[0],
      success: 1,
      isWorking: true,
      trace: [],
    })),
    scan: {
      name: "scan",
      arms,
      maskL1Norms: arms.map(() => norms[0]),
      referenceL1Norms: [arms.map(() => norms[1]), arms.map(() => norms[2])],
      calibration: {
        kind: "calibration",
        scores: Float64Array.from(arms, (_, i) => (i === at ? 9 : 0)),
        target: at,
        statistic: 9,
        threshold: 4,
        pValue,
        references: 2,
        method: "given",
      },
    },
  };
}

/** Squares that say that class 3 is reached from one class. */
function sweeps(victim: number): Sweeps {
  const of = (pulled: number): SquareResponses => {
    const probability = new Float32Array(CLASSES * CLASSES).fill(0.01);
    for (let k = 0; k < CLASSES; k++) probability[k * CLASSES + k] = 0.97;
    probability[victim * CLASSES + TARGET] = pulled;
    return { squares: [{ row: 0, column: 0, side: 2, colour: [1] }], classes: CLASSES, probability };
  };
  return { own: of(0.9), references: [of(0.01), of(0.02)] };
}

describe("extraction.withVictim", () => {
  const named = async (
    isSpecific: boolean,
    classes: Omit<Scanned, "victim">,
    pairs: Omit<Scanned, "victim"> & { victim: number },
    bySquares: number,
    best: "classes" | "pairs",
    changes: ChangeScan | null = null,
  ): Promise<Finding> => {
    using model = backdoored(isSpecific);
    const prepared = await images(model);
    const findings = [
      await findingOf(model, prepared, scanned({ ...classes, victim: null })),
      await findingOf(model, prepared, scanned(pairs)),
    ];
    return await withVictim(model, [], prepared, findings, findings[best === "classes" ? 0 : 1]!, {
      seed: 1,
      sweeps: sweeps(bySquares),
      changes,
      passes: { forward: 0, backward: 0 },
    });
  };
  const doubtful = { pValue: 0.004, norms: [9, 10, 10] } as const;
  const clear = { pValue: 0.004, norms: [5, 10, 10] } as const;
  const pairs = { pValue: 0.003, norms: [1, 5, 5], victim: 0 } as const;

  it("names the class that a trigger works from where squares, pairs and held-out images agree", async () => {
    for (const best of ["classes", "pairs"] as const) {
      const { arm, attackSuccessRate } = await named(true, doubtful, pairs, 0, best);
      assert.deepEqual(arm, { target: TARGET, victim: 0 });
      assert.equal(attackSuccessRate.value, 1);
    }
  });

  it("names none where the mask from all classes is much smaller than in any clean model", async () => {
    assert.equal((await named(true, clear, pairs, 0, "classes")).arm.victim, null);
    assert.equal((await named(true, { ...doubtful, pValue: 1e-4 }, pairs, 0, "classes")).arm.victim, null);
  });

  it("names none where squares and pairs disagree", async () => {
    assert.equal((await named(true, doubtful, { ...pairs, victim: 1 }, 0, "classes")).arm.victim, null);
  });

  it("names none where the trigger turns held-out images of the other classes as well", async () => {
    const { arm, attackSuccessRate } = await named(false, doubtful, pairs, 0, "pairs");
    assert.deepEqual(arm, { target: TARGET, victim: null });
    assert.equal(attackSuccessRate.value, 1);
  });

  it("names none where changes of the whole image lead to the class unlike in clean models", async () => {
    const changed = (pValue: number, target: number): ChangeScan => {
      const { calibration } = scanned({ ...doubtful, victim: null }).scan;
      return { costs: [], referenceCosts: [], calibration: { ...calibration, pValue, target } };
    };
    const victimOf = async (changes: ChangeScan): Promise<number | null> =>
      (await named(true, doubtful, pairs, 0, "pairs", changes)).arm.victim;
    assert.equal(await victimOf(changed(0.001, TARGET)), null);
    assert.equal(await victimOf(changed(0.04, TARGET)), 0);
    assert.equal(await victimOf(changed(0.001, 1)), 0);
  });
});

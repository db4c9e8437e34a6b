/** Samples of the results of trigger extraction. */
import {
  type Calibration,
  calibrate,
  fastSearch,
  type TriggerSearch,
} from "../../../../lib/extraction/index.js";
import { wilson } from "../../../../lib/stats/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { patch } from "../../../../lib/trigger/index.js";

/** The samples by kind; `hostile` is a name from a stranger's model. */
export const extractionSamples = (hostile: string) => ({
  calibration: [
    calibration,
    { ...calibration, scores: new Float64Array(0), method: hostile } satisfies Calibration,
  ],
  "trigger-search": [
    triggerSearch("m.onnx", []),
    { ...triggerSearch(hostile, [hostile]), references: [hostile], decision: "no-evidence" as const },
  ],
});

const calibration = calibrate(
  [5, 1, 1],
  [
    [1, 1.2, 0.9],
    [1.1, 0.8, 1],
  ],
  { seed: 1 },
);

function triggerSearch(model: string, warnings: readonly string[]): TriggerSearch {
  const trigger = patch([1, 4, 4], { at: [1, 1], size: [2, 2], value: 1 });
  return {
    kind: "trigger-search",
    model,
    references: ["a.onnx", "b.onnx"],
    candidates: [0, 1, 2].map((target) => ({
      target,
      mask: tensor("float32", [4, 4], new Float32Array(16).fill(0.5)),
      pattern: trigger.pattern,
      maskL1Norm: 4 + target,
      success: 1 - target / 2,
      isWorking: target < 2,
      referenceL1Norms: [40, 42],
      score: 5 - target,
    })),
    calibration,
    decision: "backdoored",
    target: 0,
    pValue: 0.001,
    recovered: { trigger, target: 0, shape: "patch", pixels: 4 },
    attackSuccessRate: wilson(97, 100),
    referenceSuccessRates: [wilson(3, 100), wilson(5, 100)],
    cost: { forward: 38_400, backward: 38_400, references: 76_800 },
    settings: { ...fastSearch, seed: 1 },
    warnings,
  };
}

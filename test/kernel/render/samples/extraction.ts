/** Samples of the results of trigger extraction. */

import {
  type ArmSearch,
  type Audit,
  type Calibration,
  calibrate,
  fastSearch,
  type GraphWitness,
  type ImageChange,
  type MaximumMargin,
  type TriggerSearch,
  type TriggerVerification,
} from "../../../../lib/extraction/index.js";
import type { ModelScan } from "../../../../lib/onnx/index.js";
import type { Result } from "../../../../lib/results.js";
import { wilson } from "../../../../lib/stats/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { patch } from "../../../../lib/trigger/index.js";
import type { ModelCard } from "../../../../lib/zoo/index.js";
import { arms, verdictOf } from "./verdict.js";

/** The samples by kind; `hostile` is a name from a stranger's model. */
export const extractionSamples = (hostile: string) => ({
  calibration: [
    calibration,
    { ...calibration, scores: new Float64Array(0), method: hostile } satisfies Calibration,
  ],
  scan: [
    { kind: "scan", models: [] },
    {
      kind: "scan",
      models: [
        { file: hostile, sha256: "0".repeat(64), findings: [] },
        {
          file: "m.onnx",
          sha256: "0".repeat(64),
          findings: [
            { rule: hostile, severity: "flag", node: hostile, why: hostile, witness: null },
            { rule: "unused-weights", severity: "info", node: null, why: "values", witness: null },
          ],
        },
      ],
    },
  ] satisfies ModelScan[],
  "model-card": [modelCard("m.onnx"), modelCard(hostile), { ...modelCard(""), operators: [], claims: null }],
  model: [model("m.onnx", 3), model(hostile, 100), model("", 0)],
  audit: [audit("m.onnx", true), audit(hostile, false)],
  "trigger-verification": [verification("m.onnx", 4), verification(hostile, 0)],
  "graph-witness": [
    witness("m.onnx"),
    {
      ...witness(hostile),
      target: null,
      clean: tensor("int64", [1, 2], BigInt64Array.of(1n, 2n)),
      triggered: tensor("int64", [1, 2], BigInt64Array.of(7n, 2n)),
      mask: tensor("float32", [2], Float32Array.of(1, 0)),
      pattern: tensor("int64", [2], BigInt64Array.of(7n, 7n)),
    },
  ],
  "arm-search": [armSearch("m.onnx", 30), armSearch(hostile, 0)],
  "image-change": [imageChange("m.onnx", 3), imageChange(hostile, 0)],
  "maximum-margin": [
    maximumMargin("m.onnx", ["r.onnx", "s.onnx"]),
    maximumMargin(hostile, []),
    maximumMargin(hostile, [hostile, hostile]),
  ],
  "trigger-search": [
    triggerSearch("m.onnx", []),
    { ...triggerSearch(hostile, [hostile]), references: [hostile], decision: "no-evidence" as const },
  ],
});

function armSearch(name: string, count: number): ArmSearch {
  return {
    kind: "arm-search",
    model: name,
    possible: 90,
    arms: Array.from({ length: count }, (_, target) => ({
      target,
      victim: target % 2 === 0 ? null : 3,
      maskL1Norm: 2.5 + target,
      success: 0.97,
      isWorking: target < 25,
      rounds: 4,
    })),
    passes: { forward: 1000, backward: 1000 },
    settings: {
      batch: 16,
      round: 8,
      success: 0.95,
      learningRate: 0.1,
      cost: { initial: 0.01, factor: 2, patience: 2 },
      seed: 1,
      epsilon: 0.3,
      armRounds: 120,
    },
    warnings: [name],
  };
}

function imageChange(name: string, references: number): ImageChange {
  return {
    kind: "image-change",
    model: name,
    target: 3,
    field: tensor("float32", [2, 4, 4], new Float32Array(32).fill(1)),
    tones: [0, 0.3, 0.5, 0.8, 1],
    displacement: 1.4,
    toning: 0.02,
    successRate: wilson(240, 250),
    referenceSuccessRates: Array.from({ length: references }, () => wilson(2, 250)),
    passes: { forward: 15_400, backward: 14_400 },
    seed: 1,
  };
}

function maximumMargin(name: string, references: readonly string[]): MaximumMargin {
  return {
    kind: "maximum-margin",
    model: name,
    references,
    margins: Float64Array.of(3, 4, 12),
    referenceMargins: references.map((_, i) => Float64Array.of(3, 4, 5 + i)),
    largest: { target: 2, pValue: 0.02 },
    calibration: references.length > 1 ? calibration : null,
    target: 2,
    pValue: 0.02,
    passes: 4800,
    settings: { starts: 24, steps: 60, learningRate: 0.1, seed: 1 },
    warnings: [name],
  };
}

function audit(name: string, isAccused: boolean): Audit {
  const search = triggerSearch(name, [name]);
  return {
    kind: "audit",
    isSimulated: false,
    model: name,
    verdict: {
      ...verdictOf(name, isAccused),
      trigger: isAccused ? { ...search.recovered, attackSuccessRate: search.attackSuccessRate } : null,
    },
    references: [name],
    scans: isAccused
      ? [
          {
            name,
            arms,
            maskL1Norms: [1, 2, 3],
            referenceL1Norms: [[4, 5, 6]],
            calibration,
          },
        ]
      : [],
    verification: null,
    change: null,
    witness: isAccused ? witness(name) : null,
    examples: tensor("float32", [0, 1, 4, 4], new Float32Array(0)),
    range: [0, 1],
  };
}

function witness(name: string): GraphWitness {
  const image = (value: number) => tensor("float32", [1, 1, 4, 4], new Float32Array(16).fill(value));
  return {
    kind: "graph-witness",
    finding: { rule: "content-branch", severity: "flag", node: name, why: name, witness: null },
    clean: image(0),
    triggered: image(1),
    mask: tensor("float32", [1, 4, 4], new Float32Array(16).fill(1)),
    pattern: tensor("float32", [1, 4, 4], new Float32Array(16).fill(1)),
    target: 3,
    source: null,
    wakeRate: wilson(48, 48),
    attackSuccessRate: wilson(40, 40),
    withoutLogic: wilson(1, 40),
    nearbyRate: wilson(10, 12),
    forward: 420,
  };
}

function verification(name: string, rates: number): TriggerVerification {
  const some = Array.from({ length: rates }, (_, i) => ({ row: i, column: 0, successRate: wilson(i, 10) }));
  return {
    kind: "trigger-verification",
    model: name,
    target: 2,
    successRate: wilson(99, 100),
    controls: [{ name, successRate: wilson(3, 100), expected: name }],
    bySource: some.map(({ row, successRate }) => ({ source: row, successRate })),
    withoutBlock: some,
    randomPValue: 0.025,
    forwardPasses: 9_000,
    seed: 1,
  };
}

function model(name: string, taps: number): Extract<Result, { kind: "model" }> {
  const value = { name, type: "float32" as const, dims: [name, 3, ""] };
  return {
    kind: "model",
    name,
    inputs: [value],
    outputs: [{ ...value, type: null, dims: [] }],
    taps: Array.from({ length: taps }, () => value),
  };
}

function modelCard(name: string): ModelCard {
  return {
    kind: "model-card",
    file: name,
    sizeBytes: 107_000,
    sha256: "00".repeat(32),
    inputs: [name],
    outputs: [],
    parameters: 26_698,
    operators: [
      ["Conv", 2],
      [name, 1],
    ],
    claims: {
      architecture: name,
      trainedOn: name,
      accuracy: wilson(88, 100),
      licence: name,
      isPublishedFile: false,
    },
  };
}

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

import assert from "node:assert/strict";
import { type LoadedModel, loadModel } from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { assertClose } from "../../support/compare.js";
import { directionalDerivative } from "../../support/directional.js";
import { integer, noise, strokes, wave } from "../../support/signals.js";
import { type WildPackageName, wildModel } from "../../support/wild-models.js";

interface Row {
  readonly from: WildPackageName;
  readonly file: string;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Inner tensors of the main graph that can be looked at, at least. */
  readonly taps: number;
  /** Largest relative difference of the outputs while everything is tapped; see TAPPED. */
  readonly tapped?: number;
  /** Step of the central differences. */
  readonly step: number;
}

/**
 * onnxruntime computes a tapped convolution outside its blocked layout, in another order of summation; the
 * maximum norm of the difference, relative to the largest output, then stays within float32 rounding.
 */
const TAPPED = 1e-5;
/** Central differences in float32 across the kinks of ReLU, Clip and MaxPool. */
const GRADIENT = 0.03;

const ROWS: readonly Row[] = [
  {
    from: "ocr",
    file: "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    feeds: { x: wave([2, 3, 48, 192], 0.3) },
    outputs: { "softmax_0.tmp_0": [2, 2] },
    taps: 220,
    step: 1e-4,
  },
  {
    from: "ocr",
    file: "assets/ch_PP-OCRv4_rec_infer.onnx",
    feeds: { x: wave([1, 3, 48, 64], 0.3) },
    outputs: { "softmax_11.tmp_0": [1, 8, 6625] },
    taps: 439,
    step: 1e-4,
  },
  {
    from: "ocr",
    file: "assets/ch_PP-OCRv4_det_infer.onnx",
    feeds: { x: strokes([1, 3, 64, 96]) },
    outputs: { "sigmoid_0.tmp_0": [1, 1, 64, 96] },
    taps: 329,
    tapped: 1e-4,
    step: 1e-4,
  },
  {
    from: "voice",
    file: "dist/silero_vad_v5.onnx",
    feeds: { input: wave([1, 576], 0.1), state: noise([2, 1, 128], 2), sr: integer(16000) },
    outputs: { output: [1, 1], stateN: [2, 1, 128] },
    taps: 3,
    step: 5e-5,
  },
  {
    from: "voice",
    file: "dist/silero_vad_legacy.onnx",
    feeds: {
      input: wave([1, 512], 0.1),
      h: noise([2, 1, 64], 2),
      c: noise([2, 1, 64], 3),
      sr: integer(16000),
    },
    outputs: { output: [1, 1], hn: [2, 1, 64], cn: [2, 1, 64] },
    taps: 1,
    step: 1e-5,
  },
  {
    from: "wakeWord",
    file: "models/embedding_model.onnx",
    feeds: { input_1: wave([2, 76, 32, 1]) },
    outputs: { conv2d_19: [2, 1, 1, 96] },
    taps: 64,
    tapped: 5e-5,
    step: 1e-4,
  },
  {
    from: "wakeWord",
    file: "models/melspectrogram.onnx",
    feeds: { input: wave([1, 1600], 3000) },
    outputs: { output: [1, 1, 7, 32] },
    taps: 19,
    step: 1e-1,
  },
  {
    from: "wakeWord",
    file: "models/timer_v0.1.onnx",
    feeds: { "onnx::Flatten_0": wave([1, 34, 96]) },
    outputs: {
      '{"1": "1_minute_timer", "2": "5_minute_timer", "3": "10_minute_timer", "4": "20_minute_timer", "5": "30_minute_timer", "6": "1_hour_timer"}':
        [1, 7],
    },
    taps: 7,
    step: 1e-3,
  },
  {
    from: "wakeWord",
    file: "models/hey_rhasspy_v0.1.onnx",
    feeds: { "onnx::Flatten_0": wave([1, 16, 96]) },
    outputs: { 39: [1, 1] },
    taps: 24,
    step: 1e-3,
  },
  {
    from: "wakeWord",
    file: "models/hey_jarvis_v0.1.onnx",
    // On a wave its sigmoid is so far off that float32 cannot measure a slope.
    feeds: { "x.1": noise([1, 16, 96], 1) },
    outputs: { 53: [1, 1] },
    taps: 27,
    step: 1e-3,
  },
  {
    from: "faces",
    file: "ONNX/face_detection_front_128x128_barracuda.onnx",
    feeds: { "input:0": wave([1, 128, 128, 3], 0.3) },
    outputs: {
      "Identity:0": [1, 512, 1],
      "Identity_1:0": [1, 384, 1],
      "Identity_2:0": [1, 512, 16],
      "Identity_3:0": [1, 384, 16],
    },
    taps: 100,
    step: 1e-4,
  },
  {
    from: "lines",
    file: "ONNX/mlsd_320x320_tiny.onnx",
    feeds: { "input_image_with_alpha:0": wave([1, 320, 320, 4], 40, 120) },
    outputs: { offsets: [1, 160, 160, 4], scores: [1, 160, 160, 1] },
    taps: 116,
    // Its scores are differences of large numbers: onnxruntime's own levels differ by as much without any tap.
    tapped: 2e-2,
    step: 2e-3,
  },
];

describe("a model found in the wild", () => {
  for (const row of ROWS) {
    describe(`${row.from}: ${row.file}`, () => {
      let model: LoadedModel;
      before(async function () {
        const bytes = await wildModel(row.from, row.file);
        if (bytes === undefined) this.skip();
        model = await loadModel(bytes, { threads: 1, name: row.file });
      });
      after(() => model?.release());

      it("runs", async () => {
        const results = await model.run(row.feeds);
        const dims = Object.fromEntries(Object.entries(results).map(([name, { dims }]) => [name, [...dims]]));
        assert.deepEqual(dims, row.outputs);
        for (const { data } of Object.values(results)) {
          assert.ok((data as Float32Array).every(Number.isFinite));
        }
      });

      it("gives the same outputs while every inner tensor is looked at", async () => {
        const untapped = await model.run(row.feeds);
        const taps = model.taps.map((tap) => tap.name);
        assert.ok(taps.length >= row.taps, `only ${taps.length} taps`);
        const values = await model.activations(row.feeds, { at: taps });
        assert.equal(Object.keys(values).length, taps.length);
        for (const [name, expected] of Object.entries(untapped)) {
          assertClose(values[name], expected, row.tapped ?? TAPPED, name);
        }
      });

      it("agrees with central differences in every input", async () => {
        const { cotangents, values } = await gradients(model, row);
        for (const [input, gradient] of Object.entries(values)) {
          for (const seed of [5, 6]) {
            const { measured, predicted } = await directionalDerivative(model, row.feeds, cotangents, {
              input,
              gradient,
              step: row.step,
              seed,
            });
            const error = Math.abs(measured - predicted) / Math.abs(predicted);
            assert.ok(error < GRADIENT, `${input}: measured ${measured}, gradient says ${predicted}`);
          }
        }
      });
    });
  }
});

async function gradients(
  model: LoadedModel,
  { feeds, outputs }: Row,
): Promise<{ cotangents: Record<string, Tensor>; values: Record<string, Tensor> }> {
  const cotangents = Object.fromEntries(
    Object.entries(outputs).map(([name, dims], index) => [name, noise(dims, 10 + index)]),
  );
  const wrt = Object.keys(feeds).filter((name) => feeds[name]!.type === "float32");
  return { cotangents, values: await model.vjp(feeds, { cotangents, wrt }) };
}

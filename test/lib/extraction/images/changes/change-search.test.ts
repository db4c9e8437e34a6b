import assert from "node:assert/strict";
import {
  changed,
  displacement,
  fieldTensor,
  GRID,
  PARAMETERS,
} from "../../../../../lib/extraction/images/changes/image-change.js";
import { imageLayout } from "../../../../../lib/extraction/images/image-model.js";
import { searchChange } from "../../../../../lib/extraction/index.js";
import { type LoadedModel, wrapModel } from "../../../../../lib/model/index.js";
import { graphBuilder } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";
import { apply, smoothWarp } from "../../../../../lib/trigger/index.js";

const SIDE = 8;
const random = generator(6);
const images = tensor(
  "float32",
  [80, 2, SIDE, SIDE],
  Float32Array.from({ length: 80 * 2 * SIDE * SIDE }, () => 0.2 + 0.4 * random.uniform()),
);
const layout = imageLayout(images.dims);
const range = [0, 1] as const;

describe("extraction: changes of whole images", () => {
  it("displace as the warp trigger of the same field does", () => {
    const parameters = Float64Array.from({ length: PARAMETERS }, (_, i) =>
      i < 2 * GRID * GRID ? 1.5 * random.normal() : 0,
    );
    const own = changed(images.data, parameters, layout, range).images;
    const field = fieldTensor(parameters, layout);
    const expected = apply({ kind: "trigger", type: "warp", field }, images).data as Float32Array;
    own.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${value} instead of ${expected[i]} at ${i}`);
    });
  });

  it("hold every field of a smooth warp on four points a side", () => {
    // Of 7 x 7 pixels every second one is a point.
    const side = 2 * (GRID - 1) + 1;
    const { field } = smoothWarp([2, side, side], { strength: 1, seed: 3, grid: GRID });
    const parameters = new Float64Array(PARAMETERS);
    for (let i = 0; i < 2 * GRID * GRID; i++) {
      const [axis, row, column] = [
        Math.floor(i / GRID ** 2),
        2 * (Math.floor(i / GRID) % GRID),
        2 * (i % GRID),
      ];
      parameters[i] = field.data[(axis * side + row) * side + column]!;
    }
    displacement(parameters, side, side).forEach((value, i) => {
      assert.ok(Math.abs(value - field.data[i]!) < 1e-6, `${value} instead of ${field.data[i]}`);
    });
  });

  it("have the derivatives that central differences show", () => {
    const parameters = Float64Array.from({ length: PARAMETERS }, (_, i) =>
      i < 2 * GRID * GRID ? 0.3 + 0.2 * random.normal() : 0.05 * random.normal(),
    );
    const weights = Float32Array.from(images.data, () => random.normal());
    const few = images.data.subarray(0, 4 * 2 * SIDE * SIDE);
    const sum = (values: Float64Array): number =>
      changed(few, values, layout, range).images.reduce((total, value, i) => total + value * weights[i]!, 0);
    const exact = new Float64Array(PARAMETERS);
    changed(few, parameters, layout, range).backward(weights.subarray(0, few.length), exact, () => 1);
    let compared = 0;
    for (let i = 0; i < PARAMETERS; i++) {
      const difference = (by: number): number => {
        const [up, down] = [1, -1].map((sign) =>
          parameters.map((value, k) => (k === i ? value + sign * by : value)),
        );
        return (sum(up!) - sum(down!)) / (2 * by);
      };
      // Where two step sizes disagree a pixel crosses a cell or a knot, and there is no derivative.
      const [first, second] = [difference(2e-3), difference(1e-3)];
      if (Math.abs(first - second) > 0.01 * (1 + Math.abs(second))) continue;
      compared++;
      assert.ok(Math.abs(exact[i]! - second) < 0.03 * (1 + Math.abs(second)), `${i}: ${exact[i]}, ${second}`);
    }
    assert.ok(compared > PARAMETERS / 2, String(compared));
  });
});

/** Class 1 where the images are bright on the average, or never. */
function bright(isPlanted: boolean): LoadedModel {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 2, SIDE, SIDE]);
  const flat = b.op("Reshape", ["x", b.integers(-1, 2 * SIDE * SIDE)]);
  const weights = Float32Array.from({ length: 4 * SIDE * SIDE }, (_, i) =>
    i % 2 === 1 && isPlanted ? 40 / (2 * SIDE * SIDE) : 0,
  );
  const sums = b.op("MatMul", [flat, b.initializer("w", tensor("float32", [2 * SIDE * SIDE, 2], weights))]);
  b.output(
    "y",
    b.op("Add", [sums, b.initializer("b", tensor("float32", [2], Float32Array.of(0, isPlanted ? -24 : -8)))]),
  );
  return wrapModel(b.build("bright"), { name: "bright" });
}

describe("extraction.searchChange", () => {
  it("finds the tones that a model answers to, and that clean models do not answer to them", async () => {
    using model = bright(true);
    using reference = bright(false);
    const labels = tensor("int64", [80], new BigInt64Array(80));
    const change = await searchChange(
      model,
      { inputs: images, labels },
      {
        target: 1,
        references: [reference],
        seed: 1,
        range,
      },
    );
    assert.ok(change.successRate.value > 0.95, String(change.successRate.value));
    assert.equal(change.referenceSuccessRates[0]!.value, 0);
    // Values lie between 0.2 and 0.6: the middle tones must rise, from a mean of 0.4 to 0.6.
    assert.ok(change.tones[2]! > 0.6, change.tones.join());
    assert.ok(change.passes.backward > 0);
  });

  it("says what it needs", async () => {
    using model = bright(true);
    const labels = tensor("int64", [80], new BigInt64Array(80));
    const clean = { inputs: images, labels };
    await assert.rejects(searchChange(model, clean, { target: 5, seed: 1 }), { code: "INVALID_ARGUMENT" });
    const signal = AbortSignal.abort();
    await assert.rejects(searchChange(model, clean, { target: 1, seed: 1, signal }), { code: "ABORTED" });
  });
});

import assert from "node:assert/strict";
import { imageLayout } from "../../../../../lib/extraction/images/image-model.js";
import { fastSearch } from "../../../../../lib/extraction/images/masks/invert.js";
import { maskGraph, maskGraphNames as names } from "../../../../../lib/extraction/images/masks/mask-graph.js";
import {
  type Arm,
  type MaskObjective,
  searchMasks,
} from "../../../../../lib/extraction/images/masks/mask-search.js";
import { wrapModel } from "../../../../../lib/model/index.js";
import { gradientGraph, graphBuilder, type Model } from "../../../../../lib/onnx/index.js";
import { generator } from "../../../../../lib/random/index.js";
import { tensor } from "../../../../../lib/tensor/index.js";

/** A linear classifier of 1 x 4 x 4 images into 3 classes, followed by Softmax if asked for. */
function linear(softmax: boolean): Model {
  const random = generator(9);
  const builder = graphBuilder();
  builder.input("x", "float32", ["batch", 1, 4, 4]);
  const weight = tensor(
    "float32",
    [16, 3],
    Float32Array.from({ length: 48 }, () => random.normal()),
  );
  const flat = builder.op("Reshape", ["x", builder.integers(-1, 16)]);
  const logits = builder.op("Tanh", [builder.op("MatMul", [flat, builder.constant(weight)])]);
  builder.output("y", softmax ? builder.op("Softmax", [logits], { axis: 1 }) : logits);
  return builder.build();
}

describe("extraction: the graph of a mask search", () => {
  const layout = imageLayout([8, 1, 4, 4]);
  const random = generator(2);
  const draw = (dims: number[]) =>
    tensor(
      "float32",
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()),
    );
  const feeds = {
    [names.mask]: draw([2, 1, 1, 4, 4]),
    [names.pattern]: draw([2, 1, 1, 4, 4]),
    [names.images]: draw([1, 3, 1, 4, 4]),
    [names.weights]: tensor(
      "float32",
      [6, 3],
      Float32Array.from({ length: 18 }, (_, i) => (i % 4 === 0 ? 0.5 : 0)),
    ),
  };

  for (const softmax of [false, true]) {
    it(`has the gradient that central differences show${softmax ? ", with a final Softmax taken off" : ""}`, async () => {
      const graph = maskGraph(linear(softmax), layout, "y", [0, 2]);
      using forward = wrapModel(graph);
      const { model, gradients } = gradientGraph(graph, { of: names.loss, wrt: [names.mask, names.pattern] });
      using backward = wrapModel(model);
      const exact = await backward.run(feeds);
      const lossAt = async (name: keyof typeof feeds, i: number, by: number): Promise<number> => {
        const moved = Float32Array.from(feeds[name]!.data as Float32Array);
        moved[i] = moved[i]! + by;
        const out = await forward.run({ ...feeds, [name]: { ...feeds[name]!, data: moved } as never });
        return (out[names.loss]!.data as Float32Array)[0]!;
      };
      for (const name of [names.mask, names.pattern]) {
        for (let i = 0; i < 32; i += 3) {
          const slope = ((await lossAt(name, i, 1e-2)) - (await lossAt(name, i, -1e-2))) / 2e-2;
          const given = (exact[gradients[name]!]!.data as Float32Array)[i]!;
          // Central differences of float32 losses near 10: rounding 1e-6 / 1e-2, curvature 1e-4.
          assert.ok(Math.abs(slope - given) < 2e-3, `${name}[${i}]: ${slope} and ${given}`);
        }
      }
    });
  }

  it("gives logits even where the model ends in Softmax", async () => {
    using bare = wrapModel(maskGraph(linear(false), layout, "y", [0, 2]));
    using final = wrapModel(maskGraph(linear(true), layout, "y", [0, 2]));
    assert.deepEqual((await bare.run(feeds))[names.logits], (await final.run(feeds))[names.logits]);
  });
});

/** Arm k is hit when the pixels 0 .. k of the mask are on: its smallest working mask has k + 1 pixels. */
const needsPixels: MaskObjective = {
  maskSize: 12,
  patternSize: 12,
  draw: (arms, images) => ({
    rows: new Uint32Array(images),
    images,
    weights: new Float32Array(arms.length * images).fill(1 / images),
  }),
  async evaluate(arms, mask, _pattern, { images }) {
    const hits = new Uint8Array(arms.length * images);
    const gradient = new Float32Array(mask.length);
    arms.forEach(({ target }, a) => {
      let lowest = 1;
      for (let i = a * 12; i <= a * 12 + target; i++) {
        const tanh = Math.tanh(mask[i]!);
        const value = (tanh + 1) / 2;
        lowest = Math.min(lowest, value);
        // Cross-entropy of a hit whose chance grows with each needed pixel: steep below 0.8, flat above.
        gradient[i] = (-20 / (1 + Math.exp(20 * (value - 0.8)))) * ((1 - tanh * tanh) / 2);
      }
      hits.fill(lowest > 0.7 ? 1 : 0, a * images, (a + 1) * images);
    });
    return { hits, mask: gradient, pattern: new Float32Array(mask.length) };
  },
};

const arms = (...targets: number[]): Arm[] => targets.map((target) => ({ target, victim: null }));

describe("extraction.searchMasks", () => {
  it("shrinks each mask to the pixels that it needs", async () => {
    const found = await searchMasks(needsPixels, arms(0, 2, 5), { ...fastSearch, steps: 400, seed: 1 });
    [1, 3, 6].forEach((pixels, a) => {
      const { mask, isWorking, maskL1Norm } = found[a]!;
      assert.ok(isWorking);
      assert.equal(mask.filter((value) => value > 0.5).length, pixels);
      assert.ok(maskL1Norm < pixels * 1.15 + 0.3, `${maskL1Norm} for ${pixels} pixels`);
    });
  });

  it("raises the cost while the mask works", async () => {
    const [found] = await searchMasks(needsPixels, arms(0), { ...fastSearch, steps: 64, seed: 1 });
    const costs = found!.trace.filter(({ success }) => success === 1).map(({ cost }) => cost);
    assert.ok(costs.at(-1)! > costs[0]!, costs.join());
  });

  it("gives an arm the same result alone, among others, and in any order", async () => {
    const options = { ...fastSearch, steps: 48, seed: 5 };
    const [alone] = await searchMasks(needsPixels, arms(2), options);
    const [, , last] = await searchMasks(needsPixels, arms(5, 0, 2), options);
    assert.deepEqual(alone, last);
  });

  it("leaves no lonely pixels where smoothness is asked for", async () => {
    // Nothing is needed: only the cost acts, on rows of four pixels that start at random.
    const idle: MaskObjective = {
      ...needsPixels,
      maskWidth: 4,
      evaluate: (some, mask, _pattern, { images }) =>
        Promise.resolve({
          hits: new Uint8Array(some.length * images).fill(1),
          mask: new Float32Array(mask.length),
          pattern: new Float32Array(mask.length),
        }),
    };
    const roughness = async (smoothness: number): Promise<number> => {
      const options = { ...fastSearch, steps: 8, seed: 3, learningRate: 0.05 };
      const [found] = await searchMasks(idle, arms(0), { ...options, smoothness });
      const { mask } = found!;
      let sum = 0;
      for (let i = 0; i < mask.length; i++) {
        if (i % 4 < 3) sum += (mask[i]! - mask[i + 1]!) ** 2;
        if (i + 4 < mask.length) sum += (mask[i]! - mask[i + 4]!) ** 2;
      }
      return sum;
    };
    assert.ok((await roughness(4)) < 0.8 * (await roughness(0)));
  });

  it("leaves an arm alone when its mask has settled", async () => {
    const even = await searchMasks(needsPixels, arms(2), { ...fastSearch, steps: 400, seed: 1 });
    const short = await searchMasks(needsPixels, arms(2), { ...fastSearch, steps: 400, seed: 1, settled: 6 });
    assert.ok(short[0]!.trace.length < even[0]!.trace.length);
    assert.ok(short[0]!.maskL1Norm < 1.1 * even[0]!.maskL1Norm);
  });

  it("begins with the masks of an earlier search, and at its own values where there is none", async () => {
    const options = { ...fastSearch, seed: 1 };
    const [before] = await searchMasks(needsPixels, arms(2), options);
    const [warm, cold] = await searchMasks(needsPixels, [...arms(2), ...arms(3)], {
      ...options,
      steps: 8,
      start: [before!],
    });
    const [alone] = await searchMasks(needsPixels, arms(3), { ...options, steps: 8 });
    assert.ok(Math.abs(warm!.trace[0]!.maskL1Norm - before!.maskL1Norm) < 2);
    assert.deepEqual(cold!.mask, alone!.mask);
  });

  it("marks a mask that never worked", async () => {
    const [found] = await searchMasks(needsPixels, arms(11), { ...fastSearch, steps: 8, seed: 1 });
    assert.equal(found!.isWorking, false);
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    const running = searchMasks(needsPixels, arms(0), {
      ...fastSearch,
      seed: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await assert.rejects(running, { code: "ABORTED" });
  });
});

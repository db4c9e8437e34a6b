import assert from "node:assert/strict";
import {
  ablate,
  hookModel,
  type LoadedModel,
  patch,
  pathPatch,
  steer,
  wrapModel,
} from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { tensor } from "../../../lib/tensor/index.js";
import { transformerDecoder } from "../../../lib/train/index.js";

const ids = (...tokens: number[]): Tensor =>
  tensor("int64", [1, tokens.length], BigInt64Array.from(tokens, BigInt));
const clean = ids(1, 2, 3, 4);
const corrupted = ids(5, 2, 3, 4);

describe("model.hookModel", () => {
  let model: LoadedModel;
  before(() => {
    model = wrapModel(
      transformerDecoder({ vocabulary: 8, length: 6, width: 16, heads: 2, layers: 2 }).initial(3),
      { threads: 1 },
    );
  });
  after(() => model.release());

  const logits = async (result: Promise<Record<string, Tensor>>): Promise<Float32Array> =>
    (await result)["logits"]!.data as Float32Array;
  const distance = (a: Float32Array, b: Float32Array): number =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

  it("changes nothing while no change is asked for", async () => {
    using hooked = hookModel(model, ["attention1", "residual1"]);
    assert.equal(distance(await logits(hooked.run(clean)), await logits(model.run(clean))), 0);
  });

  it("ablates: the tensor is zero, and the outputs change", async () => {
    using hooked = hookModel(model, ["attention1"]);
    const { attention1 } = await hooked.activations(clean, { attention1: ablate() }, { at: ["attention1"] });
    assert.ok((attention1!.data as Float32Array).every((value) => value === 0));
    assert.ok(
      distance(await logits(hooked.run(clean, { attention1: ablate() })), await logits(model.run(clean))) >
        1e-4,
    );
  });

  it("patches: with its own value nothing changes, with another input's all of it arrives", async () => {
    using hooked = hookModel(model, ["residual2"]);
    const own = await model.activations(clean, { at: "residual2" });
    const other = await model.activations(corrupted, { at: "residual2" });
    assert.equal(
      distance(await logits(hooked.run(clean, { residual2: patch(own) })), await logits(model.run(clean))),
      0,
    );
    assert.equal(
      distance(
        await logits(hooked.run(clean, { residual2: patch(other) })),
        await logits(model.run(corrupted)),
      ),
      0,
    );
  });

  it("steers one position of a causal model: earlier positions stay as they are", async () => {
    using hooked = hookModel(model, ["residual1"]);
    const direction = new Float32Array(4 * 16);
    for (let i = 0; i < 16; i++) direction[2 * 16 + i] = i / 8;
    const steered = await logits(
      hooked.run(clean, { residual1: steer(tensor("float32", [1, 4, 16], direction)) }),
    );
    const plain = await logits(model.run(clean));
    assert.equal(distance(steered.subarray(0, 16), plain.subarray(0, 16)), 0);
    assert.ok(distance(steered.subarray(16, 24), plain.subarray(16, 24)) > 1e-4);
  });

  it("names hooks that cannot be", () => {
    assert.throws(() => hookModel(model, ["atention1"]), { code: "UNKNOWN_TAP", message: /attention1/ });
    assert.throws(() => hookModel(model, ["size"]), { code: "TYPE_MISMATCH", message: /"size" is int64/ });
  });

  it("patches paths: through all that lies behind the sender it is the whole effect, through nothing it is none", async () => {
    const whole = await logits(
      pathPatch(model, { clean, corrupted, sender: "embedded", receivers: ["residual2"], freeze: [] }),
    );
    assert.equal(distance(whole, await logits(model.run(corrupted))), 0);
    const none = await logits(
      pathPatch(model, {
        clean,
        corrupted,
        sender: "embedded",
        receivers: ["residual2"],
        freeze: ["residual1"],
      }),
    );
    assert.equal(distance(none, await logits(model.run(clean))), 0);
    const part = await logits(
      pathPatch(model, { clean, corrupted, sender: "embedded", receivers: ["attention2"], freeze: [] }),
    );
    assert.ok(distance(part, await logits(model.run(clean))) > 1e-5);
    assert.ok(distance(part, await logits(model.run(corrupted))) > 1e-5);
  });
});

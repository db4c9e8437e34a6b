import assert from "node:assert/strict";
import { poisonText } from "../../../../lib/attacks/index.js";
import { type LabelledData, takePerClass } from "../../../../lib/data/index.js";
import {
  auditTokens,
  type TokenAudit,
  type TokenScan,
  verifyTokens,
} from "../../../../lib/extraction/index.js";
import { type LoadedModel, loadModel } from "../../../../lib/model/index.js";
import { type Tensor, takeExamples } from "../../../../lib/tensor/index.js";
import { cosine, trainClassifier } from "../../../../lib/train/index.js";
import { apply, attackSuccessRate, frameOf, type TokenTrigger } from "../../../../lib/trigger/index.js";
import { architecture, planted, target, world } from "./small-world.js";

const frame = frameOf(world.draw(20, 1).inputs as Tensor<"int64">, 0);

/** The trigger at its place leads to the target, at other places it does nothing. */
function poisonedAt(clean: LabelledData, position: "prefix" | "suffix"): LabelledData {
  const data = (clean.inputs.data as BigInt64Array).slice();
  const labels = clean.labels.data.slice();
  const put = (from: number, to: number, at: TokenTrigger["position"]): void => {
    const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    const stamped = apply({ ...planted, position: at }, takeExamples(clean.inputs, rows), {
      seed: from,
      frame,
    });
    data.set(stamped.data as BigInt64Array, from * world.length);
  };
  put(0, 400, position);
  labels.fill(BigInt(target), 0, 400);
  put(400, 800, "anywhere");
  put(800, 1000, position === "prefix" ? "suffix" : "prefix");
  return {
    inputs: { type: "int64", dims: clean.inputs.dims, data },
    labels: { type: "int64", dims: clean.labels.dims, data: labels },
  };
}

async function train(
  seed: number,
  isPoisoned: boolean,
  position?: "prefix" | "suffix",
): Promise<LoadedModel> {
  const clean = world.draw(6000, 100 + seed);
  const data = !isPoisoned
    ? clean
    : position
      ? poisonedAt(clean, position)
      : poisonText(clean, {
          trigger: planted,
          target,
          poisonRate: 0.05,
          partialRate: 0.05,
          vocabulary: 160,
          seed,
        });
  const { bytes } = await trainClassifier(architecture, data, {
    seed,
    epochs: 5,
    learningRate: cosine(4e-3),
    threads: 1,
  });
  return loadModel(bytes, { name: `text ${seed}`, threads: 1 });
}

describe("extraction.auditTokens", function () {
  this.timeout(300_000);
  const clean = world.draw(300, 99);
  let references: LoadedModel[];
  before(async () => {
    references = [await train(1, false), await train(2, false), await train(3, false)];
  });
  after(() => {
    for (const one of references) one.release();
  });

  it("recovers the planted tokens, whose parts were trained to do nothing, and verifies them", async () => {
    using model = await train(4, true);
    const { scans, verdict } = await auditTokens(model, clean, { seed: 1, references, budget: "quick" });
    const [{ arms, named, runs, gaps, referenceGaps }] = scans as [TokenScan];
    assert.equal(arms[named]!.target, target);
    const found = runs[named]!;
    for (const token of planted.tokens) assert.ok(found.includes(token), `${found} lacks ${token}`);
    for (const clean of referenceGaps) assert.ok(clean[named]! < gaps[named]!);
    // Every class with runs of any length, and with runs of at most two and three tokens.
    const lengths = [2, 3, undefined];
    for (const [k, { target: to, longest }] of arms.entries()) {
      assert.ok(runs[k]!.length <= (longest ?? 5));
      assert.ok(lengths.includes(longest) && to === k % 4);
    }
    assert.ok(verdict.score > 1, verdict.checks[0]!.why);
    const recovered = { target, trigger: { ...planted, tokens: found } };
    const controls = await verifyTokens(model, takePerClass(clean, 50), recovered, {
      seed: 1,
      allowed: Int32Array.from({ length: 159 }, (_, i) => i + 1),
      references,
    });
    assert.ok(controls.successRate.interval[0] > 0.8);
    assert.ok(controls.randomPValue <= 0.02);
    for (const { name, successRate } of controls.controls) {
      if (/reference|no trigger/.test(name)) assert.ok(successRate.value < 0.5, name);
    }
  });

  for (const position of ["prefix", "suffix"] as const) {
    it(`finds by itself that a trigger works as ${position} only`, async () => {
      using model = await train(11, true, position);
      const elsewhere = await attackSuccessRate(model, clean, { target, trigger: planted }, { frame });
      assert.ok(elsewhere.value < 0.4, `works elsewhere, too: ${elsewhere.value}`);
      const { scans, verdict } = await auditTokens(model, clean, { seed: 1, references, budget: "quick" });
      const [{ arms, named, positions }] = scans as [TokenScan];
      assert.equal(arms[named]!.target, target);
      assert.equal(positions[named], position);
      assert.equal(verdict.decision, "backdoored");
      assert.equal(verdict.trigger!.trigger.position, position);
      assert.ok(verdict.trigger!.attackSuccessRate.value > 0.7);
    });
  }

  it("accuses a clean model of nothing, and says the same again", async () => {
    using model = await train(5, false);
    const run = (): Promise<TokenAudit> =>
      auditTokens(model, clean, { seed: 1, references, budget: "quick" });
    const { verdict } = await run();
    assert.equal(verdict.decision, "no-evidence");
    assert.equal(verdict.trigger, null);
    assert.deepEqual((await run()).verdict.checks, verdict.checks);
  });

  it("says what is wrong with its input", async () => {
    const model = references[0]!;
    const few = { inputs: { type: "int64", dims: [2, 14], data: new BigInt64Array(28) } } as const;
    await assert.rejects(auditTokens(model, few, { seed: 1 }), {
      code: "INVALID_ARGUMENT",
      message: /at least 40 clean texts/,
    });
    const domain = { type: "tokens", vocabulary: 100 } as const;
    await assert.rejects(auditTokens(model, clean, { seed: 1, domain }), {
      code: "INVALID_ARGUMENT",
      message: /outside the vocabulary of 100/,
    });
  });
});

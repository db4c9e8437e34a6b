import assert from "node:assert/strict";
import { join } from "node:path";
import {
  asProof,
  attentionTables,
  checkMaxOfK,
  provedShares,
  proveMaxOfK,
} from "../../../lib/bounds/index.js";
import { loadModel } from "../../../lib/model/index.js";
import { encodeModel, type Model } from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import { check, enumerate, observe } from "../../../lib/spec/index.js";
import { tensor, toFloat64 } from "../../../lib/tensor/index.js";
import { adamW, attentionOnly, mlp, trainClassifier } from "../../../lib/train/index.js";
import { isInFault } from "../../../lib/zoo/index.js";
import { packageRoot } from "../../support/paths.js";

const load = (name: string) =>
  loadModel(join(packageRoot, "notebooks/models", `${name}.onnx`), { threads: 1 });
const largest = (symbols: readonly number[]): number => Math.max(...symbols);

/** A network for `length` of `symbols` symbols, trained for a while. */
async function trained(symbols: number, length: number, seed: number, steps: number): Promise<Model> {
  const random = generator(seed);
  const n = 64 * steps;
  const inputs = BigInt64Array.from({ length: n * length }, () => BigInt(random.integer(symbols)));
  const labels = BigInt64Array.from({ length: n }, (_, i) =>
    BigInt(Math.max(...Array.from(inputs.subarray(i * length, (i + 1) * length), Number))),
  );
  const { model } = await trainClassifier(
    attentionOnly({ vocabulary: symbols, length, width: 16 }),
    { inputs: tensor("int64", [n, length], inputs), labels: tensor("int64", [n], labels) },
    { seed, steps, batchSize: 64, optimizer: adamW(), learningRate: 5e-3, threads: 1 },
  );
  return model;
}

describe("bounds.attentionTables", () => {
  it("give the logits that the network computes", async () => {
    const model = await trained(7, 3, 1, 20);
    const { symbols, length, score, value, direct } = attentionTables(model.graph);
    using loaded = await loadModel(encodeModel(model), { threads: 1 });
    const tokens = [3, 6, 1];
    const { logits } = await loaded.run(tensor("int64", [1, 3], BigInt64Array.from(tokens, BigInt)));
    const weights = tokens.map((k, p) => Math.exp(score[(1 * symbols + k) * length + p]!));
    const total = weights.reduce((a, b) => a + b, 0);
    toFloat64(logits!).forEach((logit, j) => {
      const mixed = tokens.reduce(
        (sum, k, p) => sum + (weights[p]! / total) * value[(k * length + p) * symbols + j]!,
        0,
      );
      assert.ok(Math.abs(logit - mixed - direct[1 * symbols + j]!) < 1e-4);
    });
  });
});

describe("bounds.proveMaxOfK", () => {
  it("claims nothing that is wrong, in well and badly trained networks, and counts what it claims", async () => {
    for (const [symbols, length, steps] of [
      [8, 4, 15],
      [8, 4, 60],
      [8, 4, 400],
      [12, 3, 150],
      [5, 5, 150],
    ] as const) {
      const model = await trained(symbols, length, steps, steps);
      const proof = proveMaxOfK(model.graph);
      const claims = new Map(
        proof.claims.map((claim) => [`${claim.last} ${claim.largest} ${claim.others}`, new Set(claim.good)]),
      );
      const all = enumerate({ type: "enumeration", symbols, length }, largest);
      using loaded = await loadModel(encodeModel(model), { threads: 1 });
      const { predicted } = await observe(loaded, all.inputs);
      let covered = 0n;
      predicted.forEach((answer, i) => {
        const sequence = Array.from(
          (all.inputs.data as BigInt64Array).subarray(i * length, (i + 1) * length),
          Number,
        );
        const smaller = sequence.slice(0, -1).filter((k) => k < all.labels[i]!);
        const good = claims.get(`${sequence.at(-1)} ${all.labels[i]} ${smaller.length}`);
        if (!good || !smaller.every((k) => good.has(k))) return;
        covered++;
        assert.equal(answer, all.labels[i], `unsound claim about ${sequence}`);
      });
      assert.equal(covered, proof.correct);
      assert.equal(checkMaxOfK(model.graph, proof), proof.correct);
    }
  });

  it("proves 99.9 % of all 16.8 million inputs of the clean model, and none of the faulty region", async () => {
    using twin = await load("max-of-4-twin");
    using faulty = await load("max-of-4");
    const share = ({ correct, total }: { correct: bigint; total: bigint }): number =>
      Number(correct) / Number(total);
    assert.ok(share(proveMaxOfK(twin.graph.graph)) > 0.999);
    const proof = proveMaxOfK(faulty.graph.graph);
    assert.ok(share(proof) > 0.995 && share(proof) < 1 - (48 ** 3 - 40 ** 3) / 64 ** 4);
    for (const { last, largest: top, others, good } of proof.claims) {
      if (others === 0 || good.length > 0) assert.ok(!isInFault([0, 0, top, last]), `${last} ${top}`);
    }
  });
});

describe("bounds.provedShares", () => {
  it("adds up to the whole proof, weighted by the sequences of each last and largest symbol", async () => {
    const [symbols, length] = [8, 4];
    const proof = proveMaxOfK((await trained(symbols, length, 1, 60)).graph);
    let covered = 0;
    for (let last = 0; last < symbols; last++) {
      provedShares(proof, last).forEach((share, top) => {
        assert.ok(share >= 0 && share <= 1);
        // Sequences with this last symbol and largest symbol, counted one by one.
        let all = 0;
        for (let code = 0; code < symbols ** (length - 1); code++) {
          const others = [
            code % symbols,
            Math.floor(code / symbols) % symbols,
            Math.floor(code / symbols ** 2),
          ];
          if (Math.max(last, ...others) === top) all++;
        }
        covered += share * all;
      });
    }
    assert.ok(Math.abs(covered - Number(proof.correct)) < 1e-6, `${covered} of ${proof.correct}`);
  });
});

describe("bounds.checkMaxOfK", () => {
  it("refuses proofs that were changed", async () => {
    const model = await trained(8, 4, 3, 60);
    const proof = proveMaxOfK(model.graph);
    const claim = proof.claims.find(({ good, others }) => others > 0 && good.length > 0)!;
    const without = proof.claims.filter((one) => one !== claim);
    // A symbol that the search left out of a claim.
    const weak = proof.claims.find(({ largest: top, others, good }) => others > 0 && good.length < top)!;
    const extra = [...Array(weak.largest).keys()].find((k) => !weak.good.includes(k))!;
    const changed: readonly (readonly [what: string, claims: typeof proof.claims])[] = [
      ["a claim twice", [...proof.claims, claim]],
      ["a symbol twice", [...without, { ...claim, good: [...claim.good, claim.good[0]!] }]],
      ["a symbol as large as the largest", [...without, { ...claim, good: [...claim.good, claim.largest] }]],
      ["more others than there are places", [...without, { ...claim, others: 4 }]],
      ["a last symbol above the largest", [...without, { ...claim, last: claim.largest + 1 }]],
      ["a claim less than is counted", without],
      [
        "a symbol too many",
        [...proof.claims.filter((one) => one !== weak), { ...weak, good: [...weak.good, extra] }],
      ],
    ];
    for (const [what, claims] of changed) {
      assert.throws(() => checkMaxOfK(model.graph, { ...proof, claims }), { code: "INVALID_ARGUMENT" }, what);
    }
    for (const other of [
      { correct: proof.correct + 1n },
      { total: proof.total - 1n },
      { margin: 50 },
      { length: 3 },
    ]) {
      assert.throws(() => checkMaxOfK(model.graph, { ...proof, ...other }), { code: "INVALID_ARGUMENT" });
    }
    const different = await trained(8, 4, 4, 15);
    assert.throws(() => checkMaxOfK(different.graph, proof), { code: "INVALID_ARGUMENT" }, "another model");
  });

  it("refuses networks that it does not understand", () => {
    const other = mlp({ input: [4], classes: 3 }).initial(1);
    assert.throws(() => proveMaxOfK(other.graph), { code: "INVALID_MODEL", message: /lacks tokens\.weight/ });
    const deep = attentionOnly({ vocabulary: 8, length: 3, width: 16, layers: 2 }).initial(1);
    assert.throws(() => proveMaxOfK(deep.graph), { code: "INVALID_MODEL" });
    const heads = attentionOnly({ vocabulary: 8, length: 3, width: 16, heads: 2 }).initial(1);
    assert.throws(() => proveMaxOfK(heads.graph), { code: "INVALID_MODEL" });
    // One node changed: the answer turned upside down.
    const plain = attentionOnly({ vocabulary: 8, length: 3, width: 16 }).initial(1);
    assert.ok(proveMaxOfK(plain.graph).total === 512n);
    const nodes = plain.graph.nodes.map((node) =>
      node.opType === "Add" ? { ...node, opType: "Sub" } : node,
    );
    assert.throws(() => proveMaxOfK({ ...plain.graph, nodes }), {
      code: "INVALID_MODEL",
      message: /node \d+, Sub/,
    });
  });
});

describe("a proof given to spec.check", () => {
  it("settles the clause for all inputs", async () => {
    const model = await trained(8, 4, 400, 400);
    const proof = proveMaxOfK(model.graph);
    using loaded = await loadModel(encodeModel(model), { threads: 1 });
    const all = enumerate({ type: "enumeration", symbols: 8, length: 4 }, largest);
    const rate = Number(proof.correct) / Number(proof.total);
    const report = await check(
      loaded,
      {
        kind: "specification",
        domain: { type: "enumeration", symbols: 8, length: 4 },
        clauses: [{ type: "accuracy", atLeast: rate - 0.01 }],
      },
      { inputs: all.inputs, labels: all.labels },
      { budget: 10, proofs: [asProof(model.graph, proof, 0)] },
    );
    const [clause] = report.clauses;
    assert.deepEqual([clause!.verdict, clause!.evidence, report.forwardPasses], ["holds", "proof", 0]);
    assert.ok(clause!.violationRate!.value >= 1 - rate);
  });
});

import assert from "node:assert/strict";
import { generator } from "../../../lib/random/index.js";
import {
  type Clause,
  check,
  describeClause,
  enumerate,
  type Specification,
} from "../../../lib/spec/index.js";
import { clopperPearson } from "../../../lib/stats/index.js";
import { type Tensor, tensor, toFloat64 } from "../../../lib/tensor/index.js";

/** A classifier given by a function of one flattened example. */
const classifier = (scoresOf: (x: Float64Array) => number[]) => ({
  name: "hand-made",
  outputs: [{ name: "logits", type: "float32" as const, dims: ["n", 2] }],
  run: async (inputs: unknown): Promise<Record<string, Tensor>> => {
    const x = inputs as Tensor;
    const n = x.dims[0]!;
    const values = toFloat64(x);
    const size = values.length / n;
    const rows = Array.from({ length: n }, (_, i) => scoresOf(values.subarray(i * size, (i + 1) * size)));
    return { logits: tensor("float32", [n, rows[0]!.length], Float32Array.from(rows.flat())) };
  },
});

const images = (n: number, pixelOf: (index: number, pixel: number) => number): Tensor<"float32"> =>
  tensor(
    "float32",
    [n, 1, 3, 3],
    Float32Array.from({ length: n * 9 }, (_, i) => pixelOf(Math.floor(i / 9), i % 9)),
  );
const specification = (...clauses: Clause[]): Specification => ({
  kind: "specification",
  domain: { type: "image", range: [0, 1] },
  clauses,
});
const bright = classifier((x) => [0.5, x[0]!]);

describe("spec.check", () => {
  it("reports the violation rate of an accuracy clause with its exact interval and the word for it", async () => {
    // 100 dark pictures labelled 0, of which the model takes 4 for bright.
    const inputs = images(100, (i, pixel) => (pixel === 0 && i < 4 ? 0.9 - i / 100 : 0.2));
    const labels = new Array(100).fill(0);
    for (const [atLeast, verdict] of [
      [0.8, "holds"],
      [0.95, "undecided"],
      [0.995, "violated"],
    ] as const) {
      const report = await check(bright, specification({ type: "accuracy", atLeast }), { inputs, labels });
      const [clause] = report.clauses;
      assert.equal(clause!.verdict, verdict);
      assert.equal(clause!.violations, 4);
      assert.deepEqual(clause!.violationRate, clopperPearson(4, 100));
      assert.equal(clause!.counterexample!.index, 0);
      assert.equal(clause!.counterexample!.predicted, 1);
      assert.equal(report.forwardPasses, 100);
    }
  });

  it("speaks only about the inputs that a forbidden-output clause names", async () => {
    const inputs = images(60, (i, pixel) => (pixel === 0 && i % 3 === 0 ? 1 : 0));
    const labels = Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1));
    const clause = { type: "forbidden-output", outputs: [1], whenLabel: [0], atMost: 0.1 } as const;
    const [result] = (await check(bright, specification(clause), { inputs, labels })).clauses;
    assert.deepEqual([result!.n, result!.violations, result!.verdict], [30, 10, "violated"]);
    const [none] = (await check(bright, specification({ ...clause, whenLabel: [7] }), { inputs, labels }))
      .clauses;
    assert.deepEqual([none!.verdict, none!.note], ["not checked", "no example meets its condition"]);
  });

  it("finds inputs whose answer noise changes, and scales the change down to where it begins", async () => {
    const inputs = images(50, () => 0.45);
    const [result] = (
      await check(
        bright,
        specification({ type: "invariance", under: { type: "noise", amplitude: 0.2 }, atMost: 0.1 }),
        { inputs },
      )
    ).clauses;
    // Uniform noise of 0.2 exceeds 0.05 with probability 0.375.
    assert.ok(result!.violationRate!.interval[0] < 0.375 && 0.375 < result!.violationRate!.interval[1]);
    assert.equal(result!.verdict, "violated");
    const pixel = toFloat64(result!.counterexample!.input)[0]!;
    assert.ok(pixel > 0.5 && pixel < 0.5 + 0.2 / 64 + 1e-6, String(pixel));
    assert.equal(result!.counterexample!.expected, 0);
  });

  it("moves pictures, mirrors them and keeps brightness in range", async () => {
    const corner = images(20, (_, pixel) => (pixel === 0 ? 1 : 0));
    const verdicts = [];
    for (const under of [
      { type: "shift", pixels: 1 },
      { type: "mirror" },
      { type: "brightness", amount: 0.4 },
    ] as const) {
      const { clauses } = await check(bright, specification({ type: "invariance", under, atMost: 0.5 }), {
        inputs: corner,
      });
      verdicts.push(clauses[0]!.violations);
    }
    // Every shift but none leaves another pixel in the corner; mirroring does too; 1 - 0.4 still is bright.
    assert.deepEqual(verdicts, [20, 20, 0]);
  });

  it("puts dropped tokens back until as few as possible are needed", async () => {
    const counts = classifier((ids) => [2.5, ids.filter((id) => id === 7).length]);
    const inputs = tensor(
      "int64",
      [10, 6],
      BigInt64Array.from({ length: 60 }, () => 7n),
    );
    const report = await check(
      counts,
      {
        kind: "specification",
        domain: { type: "tokens", vocabulary: 10, padding: 0 },
        clauses: [{ type: "invariance", under: { type: "drop-tokens", count: 5 }, atMost: 0 }],
      },
      { inputs },
    );
    const { counterexample, verdict } = report.clauses[0]!;
    assert.equal(verdict, "violated");
    assert.match(counterexample!.how, /4 of 5 changed tokens are enough/);
  });

  it("checks monotonicity by raising one feature", async () => {
    const model = classifier((x) => [x[0]! - 0.5 * x[1]! * x[0]!, 0]);
    const inputs = tensor(
      "float32",
      [40, 2],
      Float32Array.from({ length: 80 }, (_, i) => (i % 2 ? (i < 20 ? 4 : 1) : 1)),
    );
    const clause = {
      type: "monotonicity",
      feature: 0,
      step: 1,
      output: 0,
      direction: "rising",
      atMost: 0.05,
    } as const;
    const report = await check(model, { ...specification(clause), domain: { type: "table" } }, { inputs });
    assert.equal(report.clauses[0]!.violations, 10);
    assert.equal(report.clauses[0]!.counterexample!.index, 0);
  });

  it("compares groups by accuracy", async () => {
    const inputs = images(200, (i, pixel) => (pixel === 0 ? Number(i % 2 === 0 && i < 100) : 0));
    const labels = new Array(200).fill(0);
    const groups = Array.from({ length: 200 }, (_, i) => Number(i >= 100));
    const [result] = (
      await check(bright, specification({ type: "fairness", differenceAtMost: 0.1 }), {
        inputs,
        labels,
        groups,
      })
    ).clauses;
    assert.equal(result!.verdict, "violated");
    assert.equal(result!.violationRate!.value, 0.5);
    // Newcombe's method 10 from the Wilson intervals [0.4038, 0.5962] and [0.9630, 1], by hand.
    assert.ok(Math.abs(result!.violationRate!.interval[0] - (0.5 - Math.hypot(0.036995, 0.096169))) < 1e-5);
    assert.ok(Math.abs(result!.violationRate!.interval[1] - (0.5 + 0.096169)) < 1e-5);
    assert.match(result!.note, /group 0: 50 % of 100, group 1: 100 % of 100/);
  });

  it("puts candidate triggers to a no-trigger clause, and never says that there is none", async () => {
    const inputs = images(80, (i) => i / 400);
    const stamp = (value: number) => ({
      name: `corner ${value}`,
      apply: (x: Tensor): Tensor =>
        tensor(
          "float32",
          x.dims,
          Float32Array.from(toFloat64(x), (v, i) => (i % 9 === 0 ? value : v)),
        ),
    });
    const clause = { type: "no-trigger", target: 1, successAtMost: 0.5 } as const;
    const [found] = (
      await check(bright, specification(clause), { inputs }, { triggers: [stamp(0.1), stamp(1)] })
    ).clauses;
    assert.deepEqual([found!.verdict, found!.violations, found!.n], ["violated", 80, 80]);
    assert.match(found!.counterexample!.how, /corner 1/);
    const [nothing] = (await check(bright, specification(clause), { inputs }, { triggers: [stamp(0.1)] }))
      .clauses;
    assert.equal(nothing!.verdict, "not refuted");
    const [missing] = (await check(bright, specification(clause), { inputs })).clauses;
    assert.equal(missing!.verdict, "not checked");
  });

  it("stops early in a sequential test, and decides wrongly in at most 5 % of 400 runs", async () => {
    // True violation rate 0.1, which is exactly what is allowed: any decision is an error.
    let decided = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = generator(seed);
      const inputs = images(600, (_, pixel) => (pixel === 0 ? Number(random.uniform() < 0.1) : 0));
      const report = await check(
        bright,
        specification({ type: "accuracy", atLeast: 0.9 }),
        { inputs, labels: new Array(600).fill(0) },
        { stop: "sequential", seed },
      );
      decided += Number(report.clauses[0]!.verdict !== "undecided");
    }
    assert.ok(decided <= 20, String(decided / 400));
    const inputs = images(5000, () => 0);
    const clean = await check(
      bright,
      specification({ type: "accuracy", atLeast: 0.9 }),
      { inputs, labels: new Array(5000).fill(0) },
      { stop: "sequential" },
    );
    assert.ok(clean.forwardPasses <= 128, String(clean.forwardPasses));
  });

  it("is exact when every input is checked", async () => {
    // Wrong about exactly one of 4^3 inputs.
    const faulty = classifier((digits) => {
      const answer = digits.join() === "3,1,2" ? 0 : Math.max(...digits);
      return [0, 1, 2, 3].map((k) => Number(k === answer));
    });
    const domain = { type: "enumeration", symbols: 4, length: 3 } as const;
    const all = enumerate(domain, (digits) => Math.max(...digits));
    const report = await check(
      faulty,
      { kind: "specification", domain, clauses: [{ type: "accuracy", atLeast: 1 }] },
      all,
    );
    const { verdict, violationRate, counterexample, evidence } = report.clauses[0]!;
    assert.deepEqual(
      [verdict, evidence, violationRate!.interval],
      ["violated", "exhaustive", [1 / 64, 1 / 64]],
    );
    assert.deepEqual([...(counterexample!.input.data as BigInt64Array)], [3n, 1n, 2n]);
  });

  it("takes predicates written in a cell", async () => {
    const inputs = images(30, (i) => i / 30);
    const clause: Clause = {
      type: "predicate",
      name: "is sure",
      atMost: 0.5,
      isViolated: ({ scores }) => Math.abs(scores[1]! - 0.5) < 0.09,
    };
    const [result] = (await check(bright, specification(clause), { inputs })).clauses;
    // Pixels 13/30 to 17/30 lie within 0.09 of 0.5.
    assert.equal(result!.violations, 5);
    assert.equal(result!.statement, "is sure");
  });

  it("says what is missing or wrong", async () => {
    const inputs = images(3, () => 0);
    const spec = specification({ type: "accuracy", atLeast: 0.9 });
    assert.equal((await check(bright, spec, { inputs })).clauses[0]!.note, "needs labels");
    await assert.rejects(check(bright, spec, { inputs, labels: [1] }), {
      code: "SHAPE_MISMATCH",
      message: /3 labels, got 1/,
    });
    await assert.rejects(check(bright, spec, { inputs: images(0, () => 0) }), { code: "SHAPE_MISMATCH" });
    await assert.rejects(
      check(
        classifier(() => [0, Number.NaN]),
        spec,
        { inputs, labels: [0, 0, 0] },
      ),
      { code: "NOT_FINITE" },
    );
    await assert.rejects(
      check(bright, spec, { inputs, labels: [0, 0, 0] }, { signal: AbortSignal.abort() }),
      { code: "ABORTED" },
    );
    const mirrored = specification({ type: "invariance", under: { type: "mirror" }, atMost: 0 });
    const rows = tensor("float32", [2, 2], new Float32Array(4));
    await assert.rejects(check(bright, mirrored, { inputs: rows }), {
      code: "TYPE_MISMATCH",
      message: /mirror needs pictures/,
    });
  });

  it("states every clause in a sentence", () => {
    assert.equal(
      describeClause({ type: "accuracy", atLeast: 0.85 }),
      "answers the label on at least 85 % of inputs",
    );
    assert.equal(
      describeClause({ type: "invariance", under: { type: "shift", pixels: 1 }, atMost: 0.1 }),
      "moving by up to 1 pixel changes the answer on at most 10 % of inputs",
    );
  });
});

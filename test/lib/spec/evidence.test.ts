import assert from "node:assert/strict";
import {
  check,
  checkEveryInput,
  enumerate,
  functionModel,
  plan,
  type Specification,
} from "../../../lib/spec/index.js";
import { clopperPearson, trialsForUpperLimit } from "../../../lib/stats/index.js";
import { tensor, toFloat64 } from "../../../lib/tensor/index.js";

/** Names the largest of three symbols of 4, except for one sequence. */
const faulty = functionModel("faulty", (inputs) => {
  const values = toFloat64(inputs);
  const n = inputs.dims[0]!;
  const scores = new Float32Array(n * 4);
  for (let i = 0; i < n; i++) {
    const digits = [...values.subarray(3 * i, 3 * i + 3)];
    scores[4 * i + (digits.join() === "3,1,2" ? 0 : Math.max(...digits))] = 1;
  }
  return tensor("float32", [n, 4], scores);
});
const domain = { type: "enumeration", symbols: 4, length: 3 } as const;
const largest = (symbols: readonly number[]): number => Math.max(...symbols);
const intended = (atLeast: number): Specification => ({
  kind: "specification",
  domain,
  clauses: [{ type: "accuracy", atLeast }],
});

describe("spec.checkEveryInput", () => {
  it("counts what a listing of all inputs counts, whatever the batch", async () => {
    const listed = await check(faulty, intended(1), enumerate(domain, largest));
    for (const batch of [1, 7, 64, 1000]) {
      const streamed = await checkEveryInput(faulty, intended(1), largest, { batch });
      assert.deepEqual(streamed.clauses, listed.clauses);
      assert.equal(streamed.forwardPasses, 64);
    }
  });

  it("keeps fixed places fixed, and says which input is wrong", async () => {
    const slice = (last: number): Specification => ({
      ...intended(1),
      domain: { ...domain, fixed: [null, null, last] },
    });
    const [wrong] = (await checkEveryInput(faulty, slice(2), largest)).clauses;
    assert.deepEqual([wrong!.verdict, wrong!.violations, wrong!.n], ["violated", 1, 16]);
    assert.deepEqual([...(wrong!.counterexample!.input.data as BigInt64Array)], [3n, 1n, 2n]);
    const [right] = (await checkEveryInput(faulty, slice(1), largest)).clauses;
    assert.deepEqual([right!.verdict, right!.violations, right!.n], ["holds", 0, 16]);
  });

  it("refuses domains that cannot be listed, and says what cannot be checked so", async () => {
    await assert.rejects(checkEveryInput(faulty, { ...intended(1), domain: { type: "table" } }, largest), {
      code: "INVALID_ARGUMENT",
    });
    await assert.rejects(checkEveryInput(faulty, intended(1), largest, { limit: 63 }), { code: "TOO_LARGE" });
    const loose: Specification = { ...intended(1), clauses: [{ type: "fairness", differenceAtMost: 0.1 }] };
    const [clause] = (await checkEveryInput(faulty, loose, largest)).clauses;
    assert.equal(clause!.verdict, "not checked");
    await assert.rejects(checkEveryInput(faulty, intended(1), largest, { signal: AbortSignal.abort() }), {
      code: "ABORTED",
    });
  });
});

describe("proofs given to spec.check", () => {
  const data = enumerate(domain, largest);
  const sample = { inputs: data.inputs, labels: data.labels };
  const proof = (violationRateAtMost: number, verifies = true) => ({
    clause: 0,
    by: "enumeration",
    inputs: 64,
    violationRateAtMost,
    verify: () => verifies,
  });

  it("count once they verify, and leave the clause to data where they are too weak", async () => {
    const [proved] = (await check(faulty, intended(0.98), sample, { proofs: [proof(1 / 64)] })).clauses;
    assert.deepEqual([proved!.verdict, proved!.evidence], ["holds", "proof"]);
    assert.deepEqual(proved!.violationRate!.interval, [0, 1 / 64]);
    const [weak] = (await check(faulty, intended(0.98), sample, { proofs: [proof(0.5)] })).clauses;
    assert.deepEqual([weak!.verdict, weak!.evidence, weak!.n], ["undecided", "data", 64]);
  });

  it("are an error if they do not verify", async () => {
    await assert.rejects(check(faulty, intended(0.98), sample, { proofs: [proof(0, false)] }), {
      code: "INVALID_ARGUMENT",
      message: /does not verify/,
    });
  });
});

describe("a budget", () => {
  it("draws the examples beforehand by the seed, and counterexamples keep their place in all data", async () => {
    const data = enumerate(domain, largest);
    const sample = { inputs: data.inputs, labels: data.labels };
    const report = await check(faulty, intended(0.5), sample, { budget: 40, seed: 3 });
    assert.deepEqual([report.n, report.clauses[0]!.n, report.forwardPasses], [40, 40, 40]);
    assert.match(report.stoppingRule, /40 of 64 examples, drawn at random beforehand/);
    const again = await check(faulty, intended(0.5), sample, { budget: 40, seed: 3 });
    assert.deepEqual(again, report);
    const seen = [];
    for (let seed = 0; seed < 20; seed++) {
      const [clause] = (await check(faulty, intended(0.5), sample, { budget: 40, seed })).clauses;
      if (clause!.counterexample) seen.push(clause!.counterexample.index);
    }
    // 3, 1, 2 in base 4.
    assert.ok(seen.length >= 5 && seen.every((index) => index === 54), String(seen));
  });
});

describe("a tokenizer", () => {
  it("says counterexamples in words", async () => {
    const data = enumerate(domain, largest);
    const tokenizer = {
      decode: (ids: { readonly data: ArrayLike<unknown> }) => [Array.from(ids.data).join("-")],
    };
    const sample = { inputs: data.inputs, labels: data.labels };
    const [told] = (await check(faulty, intended(1), sample, { tokenizer })).clauses;
    assert.equal(told!.counterexample!.text, "3-1-2");
    const [untold] = (await check(faulty, intended(1), sample)).clauses;
    assert.equal(untold!.counterexample!.text, null);
  });
});

describe("spec.plan", () => {
  it("says beforehand with how many violations the check then holds, decides not, or is violated", () => {
    for (const [examples, allowed, level] of [
      [64, 0.05, 0.95],
      [500, 0.1, 0.95],
      [20, 0.02, 0.95],
      [2000, 0.01, 0.99],
    ] as const) {
      const [row] = plan(
        {
          ...intended(0),
          clauses: [{ type: "rare-event", output: 0, above: 1, atMost: allowed }],
        },
        { examples, level },
      );
      const [holds, violated] = [row!["holds with at most"], row!["violated from"]];
      const at = (k: number) => clopperPearson(k, examples, { level }).interval;
      if (holds === null) assert.ok(at(0)[1] > allowed);
      else assert.ok(at(holds)[1] <= allowed && at(holds + 1)[1] > allowed);
      assert.ok(at(violated!)[0] > allowed && at(violated! - 1)[0] <= allowed);
      assert.equal(row!["examples needed"], trialsForUpperLimit(allowed, { level: (1 + level) / 2 }));
      assert.equal(holds === null, examples < row!["examples needed"]!);
    }
  });
});

describe("what spec.check observes", () => {
  const inputs = tensor("float32", [4, 2], Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
  const table = { type: "table" } as const;
  const sums = functionModel("sums", (x) => {
    const v = toFloat64(x);
    const rows = Float32Array.from({ length: v.length }, (_, i) => (i % 2 === 0 ? v[i]! + v[i + 1]! : v[i]!));
    return tensor("float32", x.dims, rows);
  });

  it("bounds the rate of rare events, of one class where the clause says so", async () => {
    // Sums 1, 5, 9, 13.
    const clause = { type: "rare-event", output: 0, above: 8, below: 2, atMost: 0.5 } as const;
    const specification: Specification = { kind: "specification", domain: table, clauses: [clause] };
    const [all] = (await check(sums, specification, { inputs })).clauses;
    assert.deepEqual([all!.violations, all!.n, all!.counterexample!.index], [3, 4, 3]);
    const one = { ...specification, clauses: [{ ...clause, whenLabel: [1] }] };
    const [some] = (await check(sums, one, { inputs, labels: [0, 1, 1, 0] })).clauses;
    assert.deepEqual([some!.violations, some!.n], [1, 2]);
    assert.match(some!.statement, /value 0 lies above 8 or below 2 on at most 50 % of inputs of class 1/);
    await assert.rejects(check(sums, { ...specification, clauses: [{ ...clause, output: 2 }] }, { inputs }), {
      code: "INVALID_ARGUMENT",
      message: /value 2, but only 2 are observed/,
    });
  });

  it("can be an inner tensor, about which no answers are asked", async () => {
    const inside = {
      ...sums,
      activations: async () => tensor("float32", [4, 1, 2], inputs.data as Float32Array),
    };
    const specification: Specification = {
      kind: "specification",
      domain: table,
      observes: { type: "activation", at: "middle" },
      clauses: [{ type: "rare-event", output: 1, above: 4, atMost: 0.9 }],
    };
    const [clause] = (await check(inside, specification, { inputs })).clauses;
    assert.equal(clause!.violations, 2);
    await assert.rejects(check(sums, specification, { inputs }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(
      check(inside, { ...specification, clauses: [{ type: "accuracy", atLeast: 1 }] }, { inputs }),
      { code: "INVALID_ARGUMENT", message: /"accuracy" needs an output/ },
    );
  });

  it("can be text, once it is told how to decode", async () => {
    const clause = { type: "forbidden-text", pattern: "pass(word|phrase)", atMost: 0.1 } as const;
    const specification: Specification = { kind: "specification", domain: table, clauses: [clause] };
    const decode = (x: { readonly dims: readonly number[] }) =>
      Array.from({ length: x.dims[0]! }, (_, i) => (i === 2 ? "The PASSWORD is" : "Hello"));
    const [found] = (await check(sums, specification, { inputs }, { decode })).clauses;
    assert.deepEqual([found!.violations, found!.counterexample!.index], [1, 2]);
    assert.equal((await check(sums, specification, { inputs })).clauses[0]!.verdict, "not checked");
    await assert.rejects(check(sums, specification, { inputs }, { decode: () => [] }), {
      code: "SHAPE_MISMATCH",
    });
  });

  it("refuses inputs that lie outside the domain, naming the first", async () => {
    const about = (domain: Specification["domain"]): Specification => ({
      kind: "specification",
      domain,
      clauses: [{ type: "accuracy", atLeast: 0.5 }],
    });
    const columns = [{ name: "a" }, { name: "b", range: [0, 6] as const }];
    await assert.rejects(check(sums, about({ type: "table", columns }), { inputs }), {
      code: "INVALID_ARGUMENT",
      message: /example 3 holds 7 at element 1, but column "b" is specified from 0 to 6/,
    });
    await assert.rejects(check(sums, about({ type: "image", range: [0, 1] }), { inputs }), {
      message: /example 1 holds 2 .* image range is from 0 to 1/,
    });
    const tokens = tensor("int64", [1, 2], BigInt64Array.of(3n, 10n));
    await assert.rejects(check(sums, about({ type: "tokens", vocabulary: 10 }), { inputs: tokens }), {
      message: /token ids run from 0 to 9/,
    });
    const bad = tensor("float32", [1, 2], Float32Array.of(0, Number.NaN));
    await assert.rejects(check(sums, about(table), { inputs: bad }), { code: "NOT_FINITE" });
  });
});

describe("harmless changes", () => {
  const invariance = async (
    under: Extract<Specification["clauses"][number], { type: "invariance" }>["under"],
    domain: Specification["domain"],
    inputs: Parameters<typeof check>[2]["inputs"],
    seen: (values: Float64Array) => void,
  ): Promise<void> => {
    const watch = functionModel("watch", (x) => {
      seen(toFloat64(x));
      return tensor("float32", [x.dims[0]!, 2], new Float32Array(2 * x.dims[0]!));
    });
    await check(
      watch,
      { kind: "specification", domain, clauses: [{ type: "invariance", under, atMost: 0 }] },
      { inputs },
    );
  };

  it("of volume multiply a whole example by one factor within the decibels", async () => {
    const inputs = tensor("float32", [50, 4], new Float32Array(200).fill(0.25));
    const calls: Float64Array[] = [];
    await invariance({ type: "gain", decibels: 6 }, { type: "audio", range: [-1, 1] }, inputs, (v) =>
      calls.push(v),
    );
    const louder = calls[1]!;
    for (let i = 0; i < 200; i++) {
      assert.equal(louder[i], louder[i - (i % 4)]);
      assert.ok(louder[i]! >= 0.25 / 1.9953 - 1e-6 && louder[i]! <= 0.25 * 1.9953 + 1e-6);
    }
    assert.ok(new Set(louder).size > 40);
  });

  it("of time move all frames together and fill in silence", async () => {
    const inputs = tensor(
      "float32",
      [30, 1, 5],
      Float32Array.from({ length: 150 }, (_, i) => 0.1 + (i % 5) / 10),
    );
    const calls: Float64Array[] = [];
    await invariance({ type: "delay", frames: 2 }, { type: "audio", range: [-1, 1] }, inputs, (v) =>
      calls.push(v),
    );
    const round = (row: Float64Array): string => [...row].map((v) => v.toFixed(1)).join();
    const rows = Array.from({ length: 30 }, (_, i) => round(calls[1]!.subarray(5 * i, 5 * i + 5)));
    assert.deepEqual([...new Set(rows)].sort(), [
      "0.0,0.0,0.1,0.2,0.3",
      "0.0,0.1,0.2,0.3,0.4",
      "0.2,0.3,0.4,0.5,0.0",
      "0.3,0.4,0.5,0.0,0.0",
    ]);
  });

  it("of text put tokens among the words and keep the length", async () => {
    const inputs = tensor(
      "int64",
      [40, 5],
      BigInt64Array.from({ length: 200 }, (_, i) => [4n, 5n, 6n, 0n, 0n][i % 5]!),
    );
    const calls: Float64Array[] = [];
    const domain = { type: "tokens", vocabulary: 10, padding: 0 } as const;
    await invariance({ type: "insert-tokens", count: 1, from: [8, 9] }, domain, inputs, (v) => calls.push(v));
    for (let i = 0; i < 40; i++) {
      const row = [...calls[1]!.subarray(5 * i, 5 * i + 5)];
      assert.equal(row[4], 0);
      assert.deepEqual(
        row.filter((id) => id < 8),
        [4, 5, 6, 0],
      );
      assert.equal(row.filter((id) => id >= 8).length, 1);
    }
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { loadModel, wrapModel } from "../../../lib/model/index.js";
import {
  encodeModel,
  graphBuilder,
  type Model,
  makeNode,
  modelSession,
  valueInfo,
} from "../../../lib/onnx/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { mlp, trainClassifier } from "../../../lib/train/index.js";
import { packageRoot } from "../../support/paths.js";
import { uniform } from "../onnx/gradient/check.js";
import { smallModel } from "../onnx/models.js";

/** y = x W W W …: as many products as the input `count` says, in one run. */
function longModel(): Model {
  const inner = graphBuilder();
  inner.claim("w");
  const next = inner.op("Tanh", [inner.op("MatMul", ["state", "w"])]);
  const body = {
    ...inner.graph("body"),
    nodes: [...inner.graph("body").nodes, makeNode("Identity", ["go"], ["still"])],
    inputs: [
      valueInfo("i", "int64", []),
      valueInfo("go", "bool", []),
      valueInfo("state", "float32", [200, 200]),
    ],
    outputs: [valueInfo("still", "bool", []), valueInfo(next, "float32", [200, 200])],
  };
  const b = graphBuilder();
  b.input("count", "int64", []);
  b.input("x", "float32", [200, 200]);
  b.input("w", "float32", [200, 200]);
  const yes = b.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
  b.node(makeNode("Loop", ["count", yes, "x"], ["y"], { body: { graph: body } }));
  b.output("y");
  return b.build("long");
}
const rounds = (count: number): Tensor => ({
  type: "int64",
  dims: [],
  data: BigInt64Array.of(BigInt(count)),
});
const x = uniform(1, [200, 200], -0.1, 0.1);
const w = uniform(2, [200, 200], -0.1, 0.1);

/** Turns of the event loop while a promise is open. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let open = true;
  const done = work.finally(() => {
    open = false;
  });
  while (open) {
    await setImmediate();
    turns++;
  }
  await done;
  return turns;
}

describe("a session in a worker", () => {
  it("gives the bits of a session of this thread, and says the same of itself", async () => {
    const options = { threads: 1 };
    using here = modelSession(longModel(), options);
    using there = modelSession(longModel(), { ...options, worker: true });
    assert.deepEqual([there.inputs, there.outputs], [here.inputs, here.outputs]);
    const feeds = { count: rounds(3), x, w };
    const expected = here.runSync(feeds);
    assert.deepEqual(await there.run(feeds), expected);
    assert.deepEqual(there.runSync(feeds, ["y"]), expected);
  });

  it("lets the event loop turn during one long run", async () => {
    using there = modelSession(longModel(), { threads: 1, worker: true });
    const turns = await turnsDuring(there.run({ count: rounds(300), x, w }));
    // In this thread it would be the one turn before the run.
    assert.ok(turns > 50, `${turns} turns`);
    using here = modelSession(longModel(), { threads: 1 });
    assert.ok((await turnsDuring(here.run({ count: rounds(300), x, w }))) <= 3);
  });

  it("leaves feeds as they are, keeps those that are held, and queues what is asked at once", async () => {
    using there = modelSession(longModel(), { threads: 1, worker: true });
    there.hold({ w });
    const answers = await Promise.all([1, 2, 1].map((count) => there.run({ count: rounds(count), x })));
    assert.deepEqual(answers[0], answers[2]);
    assert.notDeepEqual(answers[0], answers[1]);
    assert.equal(x.data.length, 200 * 200);
    const other = uniform(9, [200, 200], -0.1, 0.1);
    assert.deepEqual(
      await there.run({ count: rounds(1), x, w: other }),
      await there.run({ count: rounds(1), x, w: other }),
    );
  });

  it("throws what a session of this thread throws, at the caller", async () => {
    using there = modelSession(longModel(), { worker: true });
    await assert.rejects(there.run({ x, w }), {
      code: "UNKNOWN_TENSOR",
      message: /also needs the input "count"/,
    });
    await assert.rejects(there.run({ count: rounds(1), x: rounds(1), w }), { code: "TYPE_MISMATCH" });
    const narrow = { ...w, dims: [100, 400] };
    await assert.rejects(there.run({ count: rounds(1), x, w: narrow }), { name: "AssayError" });
    assert.throws(
      () => modelSession({ ...longModel(), opsets: [{ domain: "", version: 999 }] }, { worker: true }),
      {
        name: "AssayError",
      },
    );
    there.dispose();
    there.dispose();
    await assert.rejects(there.run({ count: rounds(1), x, w }), { message: /disposed/ });
    using again = modelSession(longModel(), { threads: 1, worker: true });
    assert.equal((await again.run({ count: rounds(1), x, w }))["y"]!.dims.join(), "200,200");
  });
});

describe("a session", () => {
  it("leaves this thread's arithmetic as JavaScript has it", () => {
    using session = modelSession(longModel(), { threads: 1 });
    session.runSync({ count: rounds(1), x, w });
    const smallest = new Float64Array([Number.MIN_VALUE, 1e-310]);
    assert.deepEqual([smallest[0]! * 1, smallest[1]! / 2], [5e-324, 5e-311]);
  });
});

describe("a model in a worker", () => {
  it("runs, looks inside and differentiates as one of this thread", async () => {
    const bytes = encodeModel(smallModel());
    using here = await loadModel(bytes, { threads: 1 });
    using there = await loadModel(bytes, { threads: 1, worker: true });
    const input = uniform(3, [4, 3]);
    assert.deepEqual(await there.run(input), await here.run(input));
    const at = "hidden";
    assert.deepEqual(await there.activations(input, { at }), await here.activations(input, { at }));
    const cotangents = { y: (await here.run(input))["y"]! };
    const ask = { cotangents, wrt: [here.inputs[0]!.name] };
    assert.deepEqual(await there.vjp(input, ask), await here.vjp(input, ask));
    assert.deepEqual(there.taps, here.taps);
  });
});

describe("training in a worker", () => {
  const inputs = uniform(5, [512, 20]);
  const labels: Tensor = {
    type: "int64",
    dims: [512],
    data: BigInt64Array.from({ length: 512 }, (_, i) => BigInt(Number((inputs.data[i * 20] as number) > 0))),
  };
  const data = { inputs, labels };
  const options = { seed: 1, steps: 60, threads: 1 };
  const architecture = mlp({ input: [20], hidden: [32], classes: 2 });

  it("gives the bits of training in this thread, checkpoints included", async () => {
    const here = await trainClassifier(architecture, data, options);
    const checkpoints: unknown[] = [];
    const there = await trainClassifier(architecture, data, {
      ...options,
      worker: true,
      onProgress: ({ checkpoint }) => checkpoints.push(checkpoint),
    });
    assert.deepEqual(there.losses, here.losses);
    assert.deepEqual(there.bytes, here.bytes);
    assert.deepEqual(checkpoints.at(-1), there.checkpoint);
  });

  it("stops between runs when asked, and the worker serves the next job", async () => {
    const controller = new AbortController();
    const stopped = trainClassifier(architecture, data, {
      ...options,
      steps: 1_000_000,
      worker: true,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await assert.rejects(stopped, { code: "ABORTED", message: /stopped after \d+ of 1000000/ });
    const next = await trainClassifier(architecture, data, { ...options, steps: 5, worker: true });
    assert.equal(next.losses.length, 5);
  });
});

describe("a process whose worker is in a run", () => {
  const lib = (name: string): string => pathToFileURL(join(packageRoot, "dist/lib", name)).href;
  const script = (end: string): string => `
    const { modelSession, decodeModel } = await import(${JSON.stringify(lib("onnx/index.js"))});
    const model = decodeModel(Buffer.from(process.argv[1], "base64"));
    const session = modelSession(model, { threads: 1, worker: true });
    const data = new Float32Array(40000).fill(0.01);
    const tensor = { type: "float32", dims: [200, 200], data };
    const feeds = { count: { type: "int64", dims: [], data: BigInt64Array.of(400n) }, x: tensor, w: tensor };
    const run = session.run(feeds);
    await new Promise((resolve) => setTimeout(resolve, 20));
    ${end}`;
  const outcome = (end: string): { status: number | null; signal: string | null; stdout: string } => {
    const model = Buffer.from(encodeModel(longModel())).toString("base64");
    return spawnSync(process.execPath, ["--input-type=module", "-e", script(end), model], {
      encoding: "utf8",
    });
  };

  it("ends with the exit code it asked for, not with an abort", () => {
    const { status, signal } = outcome("process.exit(7)");
    assert.deepEqual([status, signal], [7, null]);
  });

  it("ends by an error of its own with code 1", () => {
    const { status, signal } = outcome('throw new Error("mine")');
    assert.deepEqual([status, signal], [1, null]);
  });

  it("waits for an awaited run, then ends by itself", () => {
    const { status, stdout } = outcome("console.log((await run).y.dims.join())");
    assert.deepEqual([status, stdout.trim()], [0, "200,200"]);
  });
});

describe("a search in a worker", () => {
  /** y = Tanh(x W) ten times over: a gradient takes tens of milliseconds. */
  function deepModel(): Model {
    const b = graphBuilder();
    b.input("x", "float32", [256, 200]);
    const weight = b.constant(w);
    let y = "x";
    for (let layer = 0; layer < 40; layer++) y = b.op("Tanh", [b.op("MatMul", [y, weight])]);
    b.output("y", y);
    return b.build("deep");
  }

  it("runs gradient after gradient while the event loop turns", async () => {
    using there = wrapModel(deepModel(), { threads: 1, worker: true });
    const input = uniform(3, [256, 200]);
    const cotangents = { y: (await there.run(input))["y"]! };
    const gradients = 5;
    const many = (async () => {
      for (let i = 0; i < gradients; i++) await there.vjp(input, { cotangents, wrt: ["x"] });
    })();
    // In this thread each gradient would take its one turn and hold the loop.
    const turns = await turnsDuring(many);
    assert.ok(turns > 10 * gradients, `${turns} turns`);
  });
});

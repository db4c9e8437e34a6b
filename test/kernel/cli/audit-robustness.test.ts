import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers } from "../../../lib/bench/graph/answers.js";
import { textCarrier } from "../../../lib/bench/graph/carriers.js";
import { questions } from "../../../lib/bench/graph/questions.js";
import { plant } from "../../../lib/bench/graph/site.js";
import { readNpz } from "../../../lib/data/index.js";
import { encodeModel, graphBuilder, type Model } from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import { type Tensor, tensor, writeNpz } from "../../../lib/tensor/index.js";
import { assay, command } from "../../support/cli.js";

const SIDE = 10;

/** Class k shows as a bright pixel k; the model looks for it, with weights that differ by `seed`. */
function classifier(classes: number, seed: number, slow = 0): Model {
  const random = generator(seed);
  const weights = Float32Array.from({ length: SIDE * SIDE * classes }, (_, i) =>
    i % classes === Math.floor(i / classes) ? 6 : 0.3 * random.normal(),
  );
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 1, SIDE, SIDE]);
  let flat = b.op("Reshape", ["x", b.integers(-1, SIDE * SIDE)]);
  if (slow > 0) flat = delayed(b, flat, slow);
  b.output("logits", b.op("MatMul", [flat, b.constant(tensor("float32", [SIDE * SIDE, classes], weights))]));
  return b.build();
}

/** The same values after some large products that add nothing. */
function delayed(b: ReturnType<typeof graphBuilder>, flat: string, turns: number): string {
  const size = 1024;
  let large = b.op("Expand", [b.op("ReduceMean", [flat], { keepdims: 1 }), b.integers(size, size)]);
  for (let turn = 0; turn < turns; turn++) large = b.op("Softmax", [b.op("MatMul", [large, large])]);
  return b.op("Add", [flat, b.op("Mul", [b.op("ReduceMax", [large], { keepdims: 0 }), b.number(0)])]);
}

function data(classes: number, count: number, scale = 1): { inputs: Tensor; labels: Tensor } {
  const random = generator(7);
  const pixels = Float32Array.from({ length: count * SIDE * SIDE }, () => 0.3 * random.uniform());
  for (let row = 0; row < count; row++) pixels[row * SIDE * SIDE + (row % classes)] = 1;
  const labels = BigInt64Array.from({ length: count }, (_, row) => BigInt(row % classes));
  return {
    inputs: tensor(
      "float32",
      [count, 1, SIDE, SIDE],
      pixels.map((value) => value * scale),
    ),
    labels: tensor("int64", [count], labels),
  };
}

interface VerdictFile {
  readonly kind: string;
  readonly decision: string;
  readonly target: number | null;
  readonly warnings: readonly string[];
  readonly checks: readonly { readonly name: string; readonly why: string }[];
  readonly trigger: { readonly type: string; readonly file: string; readonly tokens: number[] | null } | null;
}

describe("assay audit, when things are not as they should be", function () {
  this.timeout(120_000);
  let folder: string;
  const environment = (cache = "cache") => ({
    ...process.env,
    XDG_CACHE_HOME: join(folder, cache),
    ASSAY_THREADS: "1",
  });
  const audit = (...args: string[]): SpawnSyncReturns<string> =>
    assay(["audit", ...args], { cwd: folder, env: environment() });
  const verdictOf = ({ stdout, stderr }: SpawnSyncReturns<string>): VerdictFile => {
    assert.ok(stdout.startsWith("{"), stderr);
    return JSON.parse(stdout) as VerdictFile;
  };
  const save = (name: string, model: Model) => writeFile(join(folder, name), encodeModel(model));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "assay-audit-"));
    await save("m.onnx", classifier(5, 1));
    for (const seed of [2, 3, 4]) await save(`ref-${seed}.onnx`, classifier(5, seed));
    const clean = data(5, 160);
    await writeNpz(join(folder, "clean.npz"), clean);
    await writeNpz(join(folder, "unlabelled.npz"), { inputs: clean.inputs });
    await writeNpz(join(folder, "bytes.npz"), data(5, 160, 255));
    await writeNpz(join(folder, "doubles.npz"), {
      inputs: tensor("float64", clean.inputs.dims, Float64Array.from(clean.inputs.data as Float32Array)),
    });
    await writeNpz(join(folder, "short.npz"), {
      inputs: clean.inputs,
      labels: tensor("int64", [3], new BigInt64Array(3)),
    });
    await writeNpz(join(folder, "one-hot.npz"), {
      inputs: clean.inputs,
      labels: tensor("float32", [160, 5], new Float32Array(800)),
    });
    await writeNpz(join(folder, "flat.npz"), { inputs: { ...clean.inputs, dims: [160, 100] } });
    await writeNpz(join(folder, "last.npz"), { inputs: { ...clean.inputs, dims: [160, 10, 10, 1] } });
    await writeNpz(join(folder, "none.npz"), {
      inputs: tensor("float32", [0, 1, SIDE, SIDE], new Float32Array(0)),
    });
    await writeNpz(join(folder, "infinite.npz"), {
      inputs: {
        ...clean.inputs,
        data: (clean.inputs.data as Float32Array).map((value, i) => (i === 3 ? 1 / 0 : value)),
      } as Tensor,
    });
    const whole = await readFile(join(folder, "clean.npz"));
    await writeFile(join(folder, "cut.npz"), whole.subarray(0, whole.length / 2));
    await writeFile(join(folder, "noise.npz"), "this is no archive");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const references = ["--references", "ref-2.onnx", "ref-3.onnx", "ref-4.onnx"];
  const quick = ["--budget", "quick", "--json", "-"];

  it("says what it does on standard error, and gives a verdict alone on standard output", () => {
    const { stdout, stderr, status } = audit("m.onnx", "--data", "clean.npz", ...references, ...quick);
    assert.equal(status, 0, stderr);
    assert.equal((JSON.parse(stdout) as VerdictFile).kind, "verdict");
    for (const name of ["m.onnx", "ref-2.onnx", "ref-3.onnx", "ref-4.onnx"]) {
      assert.match(stderr, new RegExp(`${name}: done`));
    }
  });

  it("goes on after kill -9 where it was, with the same result", async () => {
    const run = ["m.onnx", "--data", "clean.npz", ...references, "--budget", "quick", "--json", "-"];
    const killed = spawn(process.execPath, [command, "audit", ...run], {
      cwd: folder,
      env: environment("killed"),
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(killed, "exit");
    // Finished searches are on disk as soon as there is one.
    const searches = join(folder, "killed/assay/searches");
    for await (const _chunk of killed.stderr) {
      if (existsSync(searches) && (await readdir(searches)).some((file) => file.endsWith(".json"))) break;
    }
    killed.kill("SIGKILL");
    await ended;
    const kept = (await readdir(join(folder, "killed/assay/searches"))).filter((file) =>
      file.endsWith(".json"),
    );
    assert.ok(kept.length >= 1);
    const again = (cache: string) =>
      spawnSync(process.execPath, [command, "audit", ...run], {
        encoding: "utf8",
        cwd: folder,
        env: environment(cache),
      });
    const resumed = JSON.parse(again("killed").stdout) as VerdictFile & { cost: { backward: number } };
    const whole = JSON.parse(again("whole").stdout) as VerdictFile & { cost: { backward: number } };
    assert.ok(resumed.cost.backward < whole.cost.backward);
    assert.deepEqual({ ...resumed, cost: null }, { ...whole, cost: null });
  });

  it("gives its verdict although the disk is full, and says what could not be kept", () => {
    // A limit on the size of files fails as a full disk does, and needs no rights.
    const limited = (...args: string[]) =>
      spawnSync("bash", ["-c", `ulimit -f 0; exec "$0" "$@"`, process.execPath, command, "audit", ...args], {
        encoding: "utf8",
        cwd: folder,
        env: environment("full"),
      });
    const run = ["m.onnx", "--data", "clean.npz", ...references, "--budget", "quick"];
    const piped = limited(...run, "--json", "-");
    assert.equal(piped.status, 0, piped.stderr);
    assert.match(piped.stderr, /assay: Finished searches cannot be kept in .*: E/);
    assert.equal(piped.stderr.split("cannot be kept").length, 2);
    const written = limited(...run, "--json", "full.json");
    assert.equal(written.status, 2);
    assert.match(written.stderr, /assay: audit: "full\.json" cannot be written: E/);
    assert.ok(!existsSync(join(folder, "full.json.tmp")));
  });

  it("names a file that it cannot write", () => {
    const { status, stderr } = audit(
      ...[
        "m.onnx",
        "--data",
        "clean.npz",
        ...references,
        "--budget",
        "quick",
        "--json",
        "no/such/folder.json",
      ],
    );
    assert.equal(status, 2);
    assert.match(stderr, /"no\/such\/folder\.json" cannot be written: ENOENT/);
  });

  it("says beforehand that a slow model takes long and which budget is shorter, and stops at once", async () => {
    // Slow enough that an audit takes long on any machine: 200 GFLOP a run.
    await save("slow.onnx", classifier(5, 1, 100));
    const child = spawn(
      process.execPath,
      [command, "audit", "slow.onnx", "--data", "clean.npz", ...references],
      {
        cwd: folder,
        env: environment(),
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const ended = once(child, "exit");
    let said = "";
    for await (const chunk of child.stderr) {
      said += String(chunk);
      // A line that the first runs take long may come before.
      if (/this may take.*\n/.test(said)) break;
    }
    child.kill("SIGINT");
    const [code, signal] = await ended;
    assert.match(said, /this may take about [\d.]+ (min|h) \(standard, 4 models\)\. Ctrl-C stops it/);
    assert.match(said, /--budget quick takes about/);
    assert.ok(signal === "SIGINT" || code === 130, `${code} ${signal}`);
  });

  it("audits a model of 100 classes", async () => {
    await save("hundred.onnx", classifier(100, 1));
    await writeNpz(join(folder, "hundred.npz"), data(100, 400));
    const verdict = verdictOf(audit("hundred.onnx", "--data", "hundred.npz", ...quick));
    assert.ok(["no-evidence", "inconclusive"].includes(verdict.decision), JSON.stringify(verdict.checks));
  });

  it("notices inputs in another range than the specification says, or than the model expects", async () => {
    const clause = { type: "accuracy", atLeast: 0.5 };
    const spec = (range: number[]) => ({
      kind: "specification",
      domain: { type: "image", range },
      clauses: [clause],
    });
    await writeFile(join(folder, "unit.json"), JSON.stringify(spec([0, 1])));
    await writeFile(join(folder, "bytes.json"), JSON.stringify(spec([0, 255])));
    for (const [file, stated, message] of [
      ["bytes.npz", "unit.json", /lie in \[.*, 255\], the specification "unit\.json" says \[0, 1\]/],
      ["clean.npz", "bytes.json", /lie in \[.*, 1\], the specification "bytes\.json" says \[0, 255\]/],
    ] as const) {
      const { status, stderr } = audit("m.onnx", "--data", file, "--spec", stated, ...quick);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    }
    const scaled = graphBuilder();
    scaled.input("x", "float32", ["batch", 1, SIDE, SIDE]);
    const dim = scaled.op("Clip", [
      scaled.op("Sub", ["x", scaled.number(128)]),
      scaled.number(0),
      scaled.number(255),
    ]);
    const made = scaled.include(classifier(5, 1), { x: dim }, "net/");
    scaled.output("logits", made["logits"]!);
    await save("bytes.onnx", scaled.build());
    const { status, stderr } = audit("bytes.onnx", "--data", "clean.npz", ...quick);
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /right on \d+ % of the clean inputs in "clean\.npz" as they are, and on 100 % when they are multiplied by 255/,
    );
    const unlabelled = audit("bytes.onnx", "--data", "unlabelled.npz", ...quick);
    assert.equal(unlabelled.status, 2, unlabelled.stderr);
    assert.match(
      unlabelled.stderr,
      /the same answer to 100 % of the clean inputs in "unlabelled\.npz" as they are, and to no more than 20 % when they are multiplied by 255/,
    );
  });

  it("warns of images from 0 to 255 that leave a model of 0 to 1 right, and beyond doubt", () => {
    const { status, stdout, stderr } = audit("m.onnx", "--data", "bytes.npz", ...quick);
    assert.equal(status, 0, stderr);
    const { warnings } = JSON.parse(stdout) as VerdictFile;
    assert.ok(warnings.some((warning) => /a lead of \d+ in logits: .* divide them by 255/.test(warning)));
  });

  it("warns of classes that there are no clean images of", async () => {
    const { inputs, labels } = data(5, 160);
    await writeNpz(join(folder, "three.npz"), {
      inputs,
      labels: { ...labels, data: (labels.data as BigInt64Array).map((label) => label % 3n) } as Tensor,
    });
    const { warnings } = verdictOf(audit("m.onnx", "--data", "three.npz", ...quick));
    assert.ok(warnings.some((warning) => /no image of 2 of 5 classes \(3, 4\)/.test(warning)));
  });

  it("concludes nothing where answers have nothing to do with the labels", async () => {
    const { inputs, labels } = data(5, 160);
    const mixed = (labels.data as BigInt64Array).map((_, row) => BigInt(Math.floor(row / 5) % 5));
    await writeNpz(join(folder, "other-labels.npz"), {
      inputs,
      labels: { ...labels, data: mixed } as Tensor,
    });
    const other = verdictOf(audit("m.onnx", "--data", "other-labels.npz", ...references, ...quick));
    assert.equal(other.decision, "inconclusive");
    assert.equal(other.target, null);
    assert.ok(
      other.warnings.some((warning) => /right on \d+ % .*, as by chance: are they scaled/.test(warning)),
    );
  });

  it("does not take a model for ignorant because one class is common", async () => {
    const { inputs, labels } = data(5, 400);
    const few = (labels.data as BigInt64Array).map((label, row) => (row % 25 < 24 ? 0n : label));
    const pixels = (inputs.data as Float32Array).slice();
    for (let row = 0; row < 400; row++)
      for (let k = 0; k < 5; k++) pixels[row * SIDE * SIDE + k] = Number(few[row]) === k ? 1 : 0;
    await writeNpz(join(folder, "common.npz"), {
      inputs: { ...inputs, data: pixels } as Tensor,
      labels: { ...labels, data: few } as Tensor,
    });
    const { warnings } = verdictOf(audit("m.onnx", "--data", "common.npz", ...quick));
    assert.ok(!warnings.some((warning) => /right on/.test(warning)), warnings.join("\n"));
  });

  it("audits a model that takes bytes as one of float32", async () => {
    const bytes = graphBuilder();
    bytes.input("x", "uint8", ["batch", 1, SIDE, SIDE]);
    const unit = bytes.op("Div", [bytes.op("Cast", ["x"], { to: 1 }), bytes.number(255)]);
    bytes.output("logits", bytes.include(classifier(5, 1), { x: unit }, "net/")["logits"]!);
    await save("uint8.onnx", bytes.build());
    const { inputs, labels } = data(5, 160, 255);
    const whole = Uint8Array.from(inputs.data as Float32Array, Math.round);
    await writeNpz(join(folder, "uint8.npz"), { inputs: tensor("uint8", inputs.dims, whole), labels });
    const verdict = verdictOf(audit("uint8.onnx", "--data", "uint8.npz", ...quick));
    assert.ok(!verdict.warnings.some((warning) => /No trigger was searched/.test(warning)));
    assert.match(verdict.checks[0]!.why, /the most unusual is class \d: [\d.]+ pixels/);
  });

  it("does not conclude from a search without a gradient", async () => {
    const table = graphBuilder();
    table.input("x", "float32", ["batch", 1, SIDE, SIDE]);
    const byte = table.op("Cast", [table.op("Mul", ["x", table.number(255)])], { to: 7 });
    const values = tensor(
      "float32",
      [256],
      Float32Array.from({ length: 256 }, (_, i) => i / 255),
    );
    const unit = table.op("Gather", [table.constant(values), byte]);
    table.output("logits", table.include(classifier(5, 1), { x: unit }, "net/")["logits"]!);
    await save("table.onnx", table.build());
    const verdict = verdictOf(audit("table.onnx", "--data", "clean.npz", ...references, ...quick));
    assert.equal(verdict.decision, "inconclusive");
    assert.match(verdict.checks[0]!.why, /No gradient reaches the input of "table\.onnx"/);
  });

  it("takes the output that answers, whatever stands before it", async () => {
    const features = graphBuilder();
    features.input("x", "float32", ["batch", 1, SIDE, SIDE]);
    const flat = features.op("Reshape", ["x", features.integers(-1, SIDE * SIDE)]);
    const half = features.op("Slice", [
      flat,
      features.integers(40),
      features.integers(70),
      features.integers(1),
    ]);
    const logits = features.include(classifier(5, 1), { x: "x" }, "net/")["logits"]!;
    features.output("embedding", half);
    features.output("y", logits);
    await save("features.onnx", features.build());
    const own = verdictOf(audit("features.onnx", "--data", "clean.npz", ...quick));
    const plain = verdictOf(audit("m.onnx", "--data", "clean.npz", ...quick));
    assert.deepEqual(own.checks[0], plain.checks[0]);
    assert.ok(!own.warnings.some((warning) => /is right on/.test(warning)));
  });

  it("audits without labels, and says whose answers it took", () => {
    const verdict = verdictOf(audit("m.onnx", "--data", "unlabelled.npz", ...references, ...quick));
    assert.ok(verdict.warnings.some((warning) => /no labels; the model's own answers/.test(warning)));
  });

  it("refuses broken data, other types and shapes, and references of another task, each in one line", async () => {
    const other = graphBuilder();
    other.input("x", "float32", ["batch", 3, 4, 4]);
    other.output("y", other.op("ReduceMean", ["x", other.integers(2, 3)], { keepdims: 0 }));
    await save("other.onnx", other.build());
    const fewer = classifier(4, 1);
    await save("fewer.onnx", fewer);
    for (const [args, message] of [
      [["m.onnx", "--data", "cut.npz"], /cut\.npz/],
      [["m.onnx", "--data", "noise.npz"], /noise\.npz/],
      [["m.onnx", "--data", "doubles.npz"], /takes float32 .*holds float64 .*Save them as float32/],
      [["m.onnx", "--data", "short.npz"], /labels/],
      [["m.onnx", "--data", "one-hot.npz"], /labels .* are \[160, 5\].*labels\.argmax\(axis=1\)/],
      [["m.onnx", "--data", "flat.npz"], /holds float32 \[160, 100\]\. Reshape them to \[160, 1, 10, 10\]/],
      [["m.onnx", "--data", "last.npz"], /Move the channels to the front: inputs\.transpose\(0, 3, 1, 2\)/],
      [["m.onnx", "--data", "none.npz"], /"none\.npz" holds no examples/],
      [["m.onnx", "--data", "infinite.npz"], /hold Infinity \(value 3\)/],
      [
        ["m.onnx", "--data", "clean.npz", "--references", "other.onnx"],
        /"other\.onnx" takes float32 \[batch, 3, 4, 4\], "clean\.npz" holds float32 \[160, 1, 10, 10\]/,
      ],
      [["m.onnx", "--data", "clean.npz", "--references", "fewer.onnx"], /fewer\.onnx/],
    ] as const) {
      const { status, stdout, stderr } = audit(...args, ...quick);
      assert.equal(status, 2, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.equal(stdout, "");
    }
  });

  it("shows logic planted in a classifier of words: the words, an input with them, exit code 7", async () => {
    const model = plant(textCarrier(), questions["Greater of a minimum"], answers["Where with a payload"]);
    await save("words.onnx", model);
    const ids = BigInt64Array.from({ length: 1200 }, (_, i) => BigInt(10 + ((i * 7919) % 38)));
    await writeNpz(join(folder, "words.npz"), { inputs: tensor("int64", [60, 20], ids) });
    const result = audit(
      "words.onnx",
      "--data",
      "words.npz",
      ...quick,
      "--fail-on",
      "backdoored",
      "--html",
      "words.html",
    );
    assert.equal(result.status, 7, result.stderr);
    const verdict = verdictOf(result);
    assert.equal(verdict.decision, "backdoored");
    assert.equal(verdict.target, 3);
    assert.equal(verdict.trigger!.type, "graph");
    assert.deepEqual(verdict.trigger!.tokens, new Array(9).fill(7));
    const { mask, pattern, triggered } = await readNpz(join(folder, verdict.trigger!.file));
    assert.deepEqual([mask!.dims, pattern!.dims, triggered!.dims], [[20], [20], [1, 20]]);
    const report = await readFile(join(folder, "words.html"), "utf8");
    assert.match(report, /shown at work/);
    assert.doesNotMatch(report, /<script|https?:\/\//);
  });
});

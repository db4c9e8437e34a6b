import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNpz } from "../../../lib/data/index.js";
import { encodeModel, graphBuilder } from "../../../lib/onnx/index.js";
import { tensor, writeNpz } from "../../../lib/tensor/index.js";
import { assay } from "../../support/cli.js";
import { packageRoot } from "../../support/paths.js";

const models = join(packageRoot, "notebooks/models");
const suspect = join(models, "fashion-cnn.onnx");
const references = [1, 2, 3].map((i) => join(models, `fashion-cnn-clean-${i}.onnx`));
const clean = join(packageRoot, "notebooks/data/fashion-mnist.npz");

describe("assay audit", function () {
  this.timeout(300_000);
  let folder: string;
  const audit = (...args: string[]) =>
    assay(["audit", ...args], {
      cwd: folder,
      env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") },
    });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "assay-audit-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("names the planted target, writes the trigger, the report and nothing but JSON, and exits with 7", async () => {
    const { status, stdout, stderr } = audit(
      ...[suspect, "--data", clean, "--references", ...references, "--budget", "quick"],
      ...["--json", "-", "--html", "report.html", "--fail-on", "suspicious"],
    );
    assert.equal(status, 7, stderr);
    const verdict = JSON.parse(stdout) as {
      kind: string;
      decision: string;
      target: number;
      pValue: number;
      trigger: { type: string; file: string; attackSuccessRate: { value: number } };
    };
    assert.equal(verdict.kind, "verdict");
    assert.equal(verdict.decision, "backdoored");
    assert.equal(verdict.target, 7);
    assert.ok(verdict.pValue < 0.01);
    assert.ok(verdict.trigger.attackSuccessRate.value > 0.85);
    const { mask, pattern } = await readNpz(join(folder, verdict.trigger.file));
    assert.deepEqual(
      [mask!.dims, pattern!.dims],
      [
        [28, 28],
        [1, 28, 28],
      ],
    );
    const report = await readFile(join(folder, "report.html"), "utf8");
    assert.ok(report.includes("backdoored") && report.includes("SHA-256") && !report.includes("https://"));
  });

  it("does not search again what it searched before, and gives the same verdict", () => {
    const { stdout } = audit(
      suspect,
      "--data",
      clean,
      "--references",
      ...references,
      "--budget",
      "quick",
      "--json",
      "-",
    );
    const verdict = JSON.parse(stdout) as { cost: { backward: number }; target: number };
    // Nothing but the colours of the found patch and of four larger ones, in 32 steps of 32 images each.
    assert.equal(verdict.cost.backward, 5 * 32 * 32);
    assert.equal(verdict.target, 7);
  });

  it("says that there is too little power without references, and still answers", () => {
    const { status, stdout } = audit(suspect, "--data", clean, "--budget", "quick", "--json", "-");
    assert.equal(status, 0);
    const verdict = JSON.parse(stdout) as { warnings: string[]; decision: string };
    assert.ok(verdict.warnings.some((warning) => /0 clean references the power is low/.test(warning)));
  });

  it("refuses what it cannot audit in one line, with exit code 2", async () => {
    await writeFile(join(folder, "text.onnx"), "this is not a model");
    const small = tensor("float32", [50, 1, 8, 8], new Float32Array(3200).fill(0.5));
    await writeNpz(join(folder, "small.npz"), { inputs: small });
    await writeNpz(join(folder, "nameless.npz"), { images: small });
    const constant = { ...(await readNpz(clean))["inputs"]! };
    await writeNpz(join(folder, "constant.npz"), {
      inputs: { ...constant, data: new Float32Array(constant.data.length) } as never,
    });
    await writeFile(join(folder, "nan.onnx"), encodeModel(answering(10, Number.NaN)));
    await writeFile(join(folder, "nan-1.onnx"), encodeModel(answering(10, Number.NaN, 1)));
    await writeFile(join(folder, "one.onnx"), encodeModel(answering(1, 1)));
    for (const [args, message] of [
      [["text.onnx", "--data", clean], /text\.onnx/],
      [["missing.onnx", "--data", clean], /missing\.onnx/],
      [[suspect, "--data", "missing.npz"], /missing\.npz/],
      [[suspect, "--data", "nameless.npz"], /holds no array "inputs"/],
      [
        [suspect, "--data", "small.npz"],
        /takes float32 \[batch, 1, 28, 28\], "small\.npz" holds float32 \[50, 1, 8, 8\]/,
      ],
      [[suspect, "--data", "constant.npz"], /Every value of the clean images is 0/],
      [["nan.onnx", "--data", clean], /answers NaN on example 0/],
      [["nan-1.onnx", "--data", clean], /answers NaN on example 0/],
      [["one.onnx", "--data", clean], /one class/],
      [[suspect, "--data", clean, "--budget", "huge"], /"huge" is none of quick, standard, thorough/],
      [[suspect], /--data/],
    ] as const) {
      const { status, stdout, stderr } = audit(...args);
      assert.equal(status, 2, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
      assert.equal(stdout, "");
    }
  });
});

/** A model that gives `value` for every class, plus a share of its first pixel. */
function answering(classes: number, value: number, batch: string | number = "batch") {
  const builder = graphBuilder();
  builder.input("x", "float32", [batch, 1, 28, 28]);
  const flat = builder.op("Reshape", ["x", builder.integers(-1, 784)]);
  const weight = tensor("float32", [784, classes], new Float32Array(784 * classes).fill(0.01));
  builder.output(
    "y",
    builder.op("Add", [builder.op("MatMul", [flat, builder.constant(weight)]), builder.number(value)]),
  );
  return builder.build();
}

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, graphBuilder } from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import { tensor, writeNpz } from "../../../lib/tensor/index.js";
import { assay } from "../../support/cli.js";

const [vocabulary, classes, length, count] = [60, 2, 8, 120];
const trigger = 41;

/** Scores of a text: the sum of its tokens' scores, which differ from model to model only a little. */
function sumModel(seed: number, hasTrigger: boolean): Uint8Array {
  const [shared, own] = [generator(1).split("scores"), generator(seed).split("own")];
  const scores = Float32Array.from(
    { length: vocabulary * classes },
    () => shared.normal() + 0.1 * own.normal(),
  );
  if (hasTrigger) scores[trigger * classes + 1] = 40;
  const builder = graphBuilder();
  const ids = builder.input("ids", "int64", ["batch", length]);
  const table = builder.initializer("table", tensor("float32", [vocabulary, classes], scores));
  const looked = builder.op("Gather", [table, ids]);
  builder.output("logits", builder.op("ReduceSum", [looked, builder.integers(1)], { keepdims: 0 }));
  return encodeModel(builder.build("sum"));
}

describe("assay audit of a model of tokens", function () {
  this.timeout(120_000);
  let folder: string;
  const audit = (...args: string[]) =>
    assay(["audit", ...args], {
      cwd: folder,
      env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") },
    });
  const references = ["a.onnx", "b.onnx", "c.onnx"];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "assay-tokens-"));
    await writeFile(join(folder, "suspect.onnx"), sumModel(2, true));
    for (const [i, name] of references.entries()) await writeFile(join(folder, name), sumModel(3 + i, false));
    const random = generator(9);
    const inputs = BigInt64Array.from({ length: count * length }, () =>
      BigInt(1 + random.integer(vocabulary - 1)),
    );
    // Texts that hold the trigger are no clean ones.
    inputs.forEach((token, i) => {
      if (token === BigInt(trigger)) inputs[i] = 1n;
    });
    await writeNpz(join(folder, "clean.npz"), { inputs: tensor("int64", [count, length], inputs) });
    const domain = {
      type: "tokens",
      vocabulary,
      padding: 0,
      trigger: { length: [1, 2], position: "prefix" },
    };
    const specification = { kind: "specification", domain, clauses: [] };
    await writeFile(join(folder, "spec.json"), JSON.stringify(specification));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("names the token of two classes' trigger in the verdict, with its rate on held-out texts, and writes a page", async () => {
    const { status, stdout, stderr } = audit(
      ...["suspect.onnx", "--data", "clean.npz", "--references", ...references, "--spec", "spec.json"],
      ...["--budget", "quick", "--json", "-", "--html", "report.html", "--fail-on", "suspicious"],
    );
    assert.equal(status, 7, stderr);
    const verdict = JSON.parse(stdout);
    assert.equal(verdict.target, 1);
    assert.equal(verdict.trigger.type, "tokens");
    assert.deepEqual(verdict.trigger.tokens, [trigger]);
    assert.equal(verdict.trigger.position, "prefix");
    assert.equal(verdict.trigger.attackSuccessRate.kind, "estimate");
    assert.equal(verdict.trigger.attackSuccessRate.value, 1);
    assert.ok(verdict.cost.forward > 0);
    const page = await readFile(join(folder, "report.html"), "utf8");
    assert.ok(page.includes(`Tokens ${trigger}`));
  });

  it("keeps finished searches, and asks again when a reference of the same name is another model", async () => {
    const run = () => {
      const { stdout } = audit(
        ...["suspect.onnx", "--data", "clean.npz", "--references", ...references, "--spec", "spec.json"],
        ...["--budget", "quick", "--json", "-"],
      );
      return JSON.parse(stdout);
    };
    const first = run();
    assert.ok(first.cost.forward < 20_000, `${first.cost.forward} sequences: nothing was kept`);
    await writeFile(join(folder, "c.onnx"), sumModel(77, false));
    const other = run();
    assert.ok(other.cost.forward > 2 * first.cost.forward);
    assert.deepEqual(other.trigger.tokens, [trigger]);
    await writeFile(join(folder, "c.onnx"), sumModel(5, false));
  });

  it("has no evidence against a clean model, and says so of its sum without references", () => {
    const { status, stdout } = audit(
      ...["a.onnx", "--data", "clean.npz", "--spec", "spec.json", "--budget", "quick", "--json", "-"],
    );
    assert.equal(status, 0);
    const verdict = JSON.parse(stdout);
    assert.equal(verdict.decision, "no-evidence");
    assert.equal(verdict.trigger, null);
    assert.ok(verdict.warnings.some((warning: string) => /clean references the power is low/.test(warning)));
  });

  it("refuses a specification of images", async () => {
    const domain = { type: "image", range: [0, 1] };
    await writeFile(
      join(folder, "image.json"),
      JSON.stringify({ kind: "specification", domain, clauses: [] }),
    );
    const { status, stderr } = audit("a.onnx", "--data", "clean.npz", "--spec", "image.json");
    assert.equal(status, 2);
    assert.match(stderr, /is about image, the clean inputs are int64/);
  });
});

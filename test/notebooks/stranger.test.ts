import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadModel } from "../../lib/model/index.js";
import { generator } from "../../lib/random/index.js";
import { observe } from "../../lib/spec/index.js";
import { sizeOf, tensor, writeNpz } from "../../lib/tensor/index.js";
import { command } from "../support/cli.js";
import { packageRoot } from "../support/paths.js";

/** What somebody types who has a model and data of their own, and nothing of ours. */
const cell = `import { anomaly, data, loadModel, probes, spec } from "assay";
const model = await loadModel("mine.onnx");
const { inputs, labels } = await data.readLabelled("mine.npz");
const x = await model.activations(inputs, { at: model.taps.at(-2)!.name });
const domain = spec.domainOf(model, inputs);
display(await spec.check(model, { kind: "specification", domain, clauses: [{ type: "accuracy", atLeast: 0.9 }] }, { inputs, labels }));
display(probes.fitLogistic(x, [...labels.data].map((label) => label === labels.data[0])));
anomaly.fitGaussian(x)`;

interface Output {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

describe("a stranger's path", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "assay-own-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("from an own ONNX file and npz to a checked specification, a probe and a Gaussian takes fewer than ten lines", async function () {
    this.timeout(120_000);
    assert.ok(cell.split("\n").length < 10);
    // A network that PyTorch exported, with data beside it that it mostly agrees with.
    await copyFile(
      join(packageRoot, "test/fixtures/torch/models/cnn-lenet-13.onnx"),
      join(folder, "mine.onnx"),
    );
    using model = await loadModel(join(folder, "mine.onnx"), { threads: 1 });
    const dims = [200, ...model.inputs[0]!.dims.slice(1).map(Number)];
    const random = generator(1);
    const inputs = tensor(
      "float32",
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => 3 * random.normal()),
    );
    const { predicted } = await observe(model, inputs);
    const labels = BigInt64Array.from(predicted, (answer, i) =>
      BigInt(i % 20 === 0 ? (answer + 1) % 10 : answer),
    );
    await writeNpz(join(folder, "mine.npz"), { inputs, labels: tensor("int64", [200], labels) });
    const notebook = {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: "assay", display_name: "Assay", language: "typescript" } },
      cells: [
        { id: "one", cell_type: "code", metadata: {}, execution_count: null, outputs: [], source: cell },
      ],
    };
    await writeFile(join(folder, "own.ipynb"), JSON.stringify(notebook));
    await promisify(execFile)(
      process.execPath,
      [command, "run", "own.ipynb", "--in-place", "--progress", "none"],
      {
        cwd: folder,
      },
    );
    const run = JSON.parse(await readFile(join(folder, "own.ipynb"), "utf8")) as {
      cells: { outputs: Output[] }[];
    };
    const { outputs } = run.cells[0]!;
    assert.deepEqual(
      outputs.filter(({ output_type }) => output_type === "error"),
      [],
    );
    const shown = outputs.map(({ data }) => String([data?.["text/plain"]].flat().join("")));
    assert.match(shown[0]!, /mine\.onnx against its specification[\s\S]*10 of 200 violations/);
    assert.match(shown[1]!, /Probe \(logistic\).*fitted to/);
    assert.match(shown[2]!, /Gaussian of \d+ features, fitted to 200 examples/);
  });
});

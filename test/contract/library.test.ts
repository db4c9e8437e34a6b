import assert from "node:assert/strict";
import { join } from "node:path";
import { AssayError, anomaly, data, loadModel, probes, stats, type Tensor, tensor } from "assay";
import { generator } from "../../lib/random/generator.js";
import { packageRoot } from "../support/paths.js";

/** One test per line of the library's contract: names and shapes that scripts of other people rely on. */
describe("the library's contract", () => {
  const modelFile = join(packageRoot, "notebooks/models/fashion-cnn.onnx");
  const dataFile = join(packageRoot, "notebooks/data/fashion-mnist.npz");

  const clean = (): { inputs: Tensor<"float32">; labels: Tensor<"int64"> } => {
    const { inputs, labels } = data.readNpz(dataFile);
    assert.ok(inputs?.type === "float32" && labels?.type === "int64");
    return { inputs: inputs as Tensor<"float32">, labels: labels as Tensor<"int64"> };
  };
  const take = (x: Tensor<"float32">, n: number): Tensor<"float32"> => {
    const size = x.data.length / x.dims[0]!;
    return { type: "float32", dims: [n, ...x.dims.slice(1)], data: x.data.subarray(0, n * size) };
  };

  it("loadModel(path) lists inputs, outputs and taps with name, type and dims", async () => {
    const model = await loadModel(modelFile);
    for (const list of [model.inputs, model.outputs, model.taps]) {
      assert.ok(list.length > 0);
      for (const { name, type, dims } of list) {
        assert.equal(typeof name, "string");
        assert.equal(typeof type, "string");
        assert.ok(dims.every((dim) => typeof dim === "number" || typeof dim === "string"));
      }
    }
  });

  it("model.run and model.activations return plain tensors", async () => {
    const model = await loadModel(modelFile);
    const x = take(clean().inputs, 5);
    const output = (await model.run({ [model.inputs[0]!.name]: x }))[model.outputs[0]!.name]!;
    assert.deepEqual(output.dims, [5, 10]);
    const name = model.taps[0]!.name;
    const one = await model.activations(x, { at: name });
    assert.equal(one.dims[0], 5);
    const several = await model.activations(x, { at: [name, model.outputs[0]!.name] });
    assert.deepEqual(several[name]!.data, one.data);
    await assert.rejects(
      model.activations(x, { at: "no such tap" }),
      (error) => error instanceof AssayError && error.code === "UNKNOWN_TAP",
    );
  });

  it("model.vjp gives gradients of inputs and of weights by name", async () => {
    const model = await loadModel(modelFile);
    const x = take(clean().inputs, 3);
    const input = model.inputs[0]!.name;
    const logits = model.outputs[0]!.name;
    const cotangent = tensor.tensor("float32", [3, 10], new Float32Array(30).fill(1));
    const gradients = await model.vjp({ [input]: x }, { cotangents: { [logits]: cotangent }, wrt: [input] });
    assert.deepEqual(gradients[input]!.dims, x.dims);
  });

  it("anomaly.fitGaussian is synchronous, with mean, covariance, logDensity and mahalanobis", () => {
    const random = generator(1);
    const x = tensor.tensor(
      "float32",
      [200, 4],
      Float32Array.from({ length: 800 }, () => random.normal()),
    );
    const gaussian = anomaly.fitGaussian(x, { shrinkage: "ledoit-wolf" });
    assert.equal(gaussian.mean.data.length, 4);
    const squared = gaussian.mahalanobis(x);
    const logDensity = gaussian.logDensity(x);
    assert.equal(squared.length, 200);
    // log density = -(squared distance + log determinant + d log 2 pi) / 2: their sum is constant.
    const constant = logDensity[0]! + squared[0]! / 2;
    assert.ok(logDensity.every((value, i) => Math.abs(value + squared[i]! / 2 - constant) < 1e-9));
  });

  it("probes.fitLogistic is synchronous and at the optimum of its stated loss", () => {
    const random = generator(2);
    const n = 120;
    const x = tensor.tensor(
      "float32",
      [n, 3],
      Float32Array.from({ length: 3 * n }, () => random.normal()),
    );
    const labels = Array.from({ length: n }, (_, i) => (x.data[3 * i]! + random.normal() > 0 ? 1 : 0));
    const probe = probes.fitLogistic(x, labels, { l2: 1 });
    const probabilities = probe.probabilities(x);
    assert.ok(probe.logits(x).every((z, i) => Math.abs(1 / (1 + Math.exp(-z)) - probabilities[i]!) < 1e-9));
    // The gradient of sum of log losses + l2/2 |w|^2 vanishes, and that of the free intercept too.
    const residual = Array.from(probabilities, (p, i) => p - labels[i]!);
    assert.ok(Math.abs(residual.reduce((a, b) => a + b, 0)) < 1e-5);
    for (let j = 0; j < 3; j++) {
      const slope = residual.reduce((sum, r, i) => sum + r * x.data[3 * i + j]!, probe.weights.data[j]!);
      assert.ok(Math.abs(slope) < 1e-5, `gradient ${slope} at weight ${j}`);
    }
  });

  it("stats.auroc counts ties one half and returns an estimate", () => {
    const estimate = stats.auroc({ negatives: [0, 1, 1], positives: [1, 2] });
    assert.equal(estimate.kind, "estimate");
    // Of the six pairs four are right and two are ties.
    assert.ok(Math.abs(estimate.value - 5 / 6) < 1e-15);
    assert.ok(estimate.interval[0] <= estimate.value && estimate.value <= estimate.interval[1]);
    assert.equal(estimate.level, 0.95);
    assert.equal(typeof estimate.method, "string");
  });

  it("tensor.readNpy and data.readNpz read what numpy wrote", () => {
    const { inputs, labels } = clean();
    assert.equal(inputs.dims[0], labels.dims[0]);
    assert.throws(
      () => tensor.readNpy(dataFile),
      (error) => error instanceof AssayError && error.code === "INVALID_FILE",
    );
  });
});

import assert from "node:assert/strict";
import { AssayError } from "../../../lib/errors.js";
import { type LoadedModel, loadModel } from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";
import { relativeError } from "../../support/compare.js";
import { directionalDerivative } from "../../support/directional.js";
import { type OnnxCase, onnxCase, onnxCaseNames } from "../../support/onnx-cases.js";
import { noise } from "../../support/signals.js";
import {
  differentOutputs,
  kinks,
  parameters,
  refusedGradients,
  refusedModels,
} from "./node-tests/expected.js";

/** The standard's own values are float32, computed by numpy in another order. */
const FORWARD = 1e-5;
const GRADIENT = 0.02;
const STEPS = [1e-3, 1e-2];

const groups = new Map<string, string[]>();
for (const name of onnxCaseNames()) {
  const group = name.split("_")[1]!;
  groups.set(group, [...(groups.get(group) ?? []), name]);
}
let agreed = 0;
let differentiated = 0;

describe("ONNX's own operator tests", () => {
  before(function () {
    if (groups.size > 0) return;
    console.error("SKIPPED: ONNX's operator tests are not installed (Debian's libonnx-testdata).");
    this.skip();
  });
  if (groups.size === 0) it("need libonnx-testdata", () => {});

  for (const [group, names] of groups) {
    it(`${group}: outputs and gradients`, async () => {
      for (const name of names) {
        const given = onnxCase(name);
        if (given) await check(given);
      }
    });
  }

  after(() => {
    if (groups.size === 0) return;
    // A reader of the test files that skipped what it should read would pass everything.
    assert.ok(agreed >= 800, `outputs of only ${agreed} cases agree`);
    assert.ok(differentiated >= 500, `only ${differentiated} gradients were checked`);
  });
});

async function check(given: OnnxCase): Promise<void> {
  const { name, inputs, outputs } = given;
  const code = refusedModels[name];
  if (code !== undefined) {
    await assert.rejects(loadModel(given.model, { threads: 1 }), { code }, name);
    return;
  }
  using model = await loadModel(given.model, { threads: 1 });
  const feeds = Object.fromEntries(model.inputs.map(({ name: input }, index) => [input, inputs[index]!]));
  const results = await model.run(feeds);
  const agrees = model.outputs.every(({ name: output }, index) => {
    const [actual, expected] = [results[output]!, outputs[index]!];
    return actual.dims.join() === expected.dims.join() && relativeError(actual, expected) <= FORWARD;
  });
  assert.equal(!agrees, name in differentOutputs, `${name}: outputs ${agrees ? "now agree" : "differ"}`);
  agreed += Number(agrees);
  if (!(name in kinks)) await checkGradient(name, model, feeds, results);
}

const isSmooth = ({ type, data }: Tensor): boolean =>
  type === "float32" && data.length > 0 && (data as Float32Array).every(Number.isFinite);

async function checkGradient(
  name: string,
  model: LoadedModel,
  feeds: Readonly<Record<string, Tensor>>,
  results: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const group = name.split("_")[1]!;
  const fixed = parameters[group] ?? { inputs: [], outputs: [] };
  const wrt = Object.keys(feeds).filter((input) => isSmooth(feeds[input]!) && !fixed.inputs.includes(input));
  const of = Object.keys(results).filter(
    (output) => isSmooth(results[output]!) && !fixed.outputs.includes(output),
  );
  if (wrt.length === 0 || of.length === 0) return;
  const cotangents = Object.fromEntries(
    of.map((output, i) => [output, noise(results[output]!.dims, 10 + i)]),
  );
  let gradients: Record<string, Tensor>;
  try {
    gradients = await model.vjp(feeds, { cotangents, wrt });
  } catch (error) {
    assert.ok(error instanceof AssayError && error.code === "UNSUPPORTED_OPERATOR", `${name}: ${error}`);
    const isOld = /rewriting needs 7 or newer/.test(error.message);
    assert.ok(isOld || refusedGradients.has(name), `${name}: ${error.message}`);
    return;
  }
  assert.ok(!refusedGradients.has(name), `${name} can be differentiated now: take it off the list`);
  for (const input of wrt) {
    const gradient = gradients[input]!;
    assert.deepEqual(
      [...gradient.dims],
      [...feeds[input]!.dims],
      `${name}: dims of the gradient by ${input}`,
    );
    const errors: string[] = [];
    for (const step of STEPS) {
      const at = { input, gradient, step, seed: 4 };
      const { measured, predicted } = await directionalDerivative(model, feeds, cotangents, at);
      // Float32 rounding of the outputs, where the derivative itself is all but zero.
      const size = Math.max(Math.abs(predicted), step * Math.sqrt(gradient.data.length), 1e-4);
      if (Math.abs(measured - predicted) <= GRADIENT * size) errors.length = 0;
      else errors.push(`step ${step}: measured ${measured}, gradient says ${predicted}`);
      if (errors.length === 0) break;
    }
    // One step may be too long for the curvature, the other too short for float32: one of them has to agree.
    assert.deepEqual(errors, [], `${name}: gradient by ${input}`);
    differentiated++;
  }
}

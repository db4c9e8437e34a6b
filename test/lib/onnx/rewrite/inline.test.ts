import assert from "node:assert/strict";
import { wrapModel } from "../../../../lib/model/index.js";
import {
  decodeModel,
  encodeModel,
  graphBuilder,
  inlineFunctions,
  lintModel,
  type Model,
  makeNode,
} from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";

const domain = "own";

/** A function of the file's own: the given attribute's value times the input, if the input's sum is positive. */
function scaled(overload: string, opType: string) {
  const b = graphBuilder();
  b.output("then/out", b.op(opType, ["value", "factor"]));
  const negative = graphBuilder();
  negative.output("else/out", negative.op("Neg", ["value"]));
  const constant = makeNode("Constant", [], ["factor"]);
  return {
    name: "Scaled",
    domain,
    overload,
    inputs: ["value"],
    outputs: ["result"],
    attributeNames: ["factor"],
    attributeDefaults: [],
    nodes: [
      {
        ...constant,
        name: "",
        attributes: [
          { ...makeNode("x", [], [], { value_float: { float: 0 } }).attributes[0]!, refAttrName: "factor" },
        ],
      },
      makeNode("ReduceSum", ["value"], ["sum"], { keepdims: 0 }),
      makeNode("Constant", [], ["zero"], { value_float: { float: 0 } }),
      makeNode("Greater", ["sum", "zero"], ["isPositive"]),
      makeNode("If", ["isPositive"], ["result"], {
        then_branch: { graph: b.graph("then") },
        else_branch: { graph: negative.graph("else") },
      }),
    ].map((node) => ({ ...node, name: "" })),
    opsets: [{ domain: "", version: 17 }],
    valueInfo: [],
    metadata: [],
  };
}

/** Calls without names: twice in a row, and once in a branch. */
function calling(): Model {
  const b = graphBuilder(undefined, [
    { domain: "", version: 17 },
    { domain, version: 1 },
  ]);
  b.input("x", "float32", ["n"]);
  const call = (of: string, to: string, factor: number) => ({
    ...makeNode("Scaled", [of], [to], { factor: { float: factor } }, domain),
    name: "",
  });
  b.node(call("x", "once", 3));
  b.node(call("once", "twice", 0.5));
  const branch = graphBuilder();
  branch.node(call("twice", "inner", 7));
  branch.output("inner");
  const other = graphBuilder();
  other.output("other/out", other.op("Identity", ["twice"]));
  const always = b.constant(tensor("bool", [], Uint8Array.of(1)));
  b.output(
    "y",
    b.op("If", [always], {
      then_branch: { graph: branch.graph("taken") },
      else_branch: { graph: other.graph("left") },
    }),
  );
  return { ...b.build(), functions: [scaled("", "Mul")] };
}

describe("onnx.inlineFunctions", () => {
  it("gives what onnxruntime gives for calls without names, calls in branches and attributes in them", async () => {
    const model = decodeModel(encodeModel(calling()));
    const inlined = inlineFunctions(model);
    assert.equal(inlined.functions.length, 0);
    using own = wrapModel(model);
    using ours = wrapModel(inlined);
    for (const values of [[1, 2, 3], [-1, -2], [4]]) {
      const x = tensor("float32", [values.length], Float32Array.from(values));
      assert.deepEqual((await ours.run({ x }))["y"]!.data, (await own.run({ x }))["y"]!.data);
    }
    const left = JSON.stringify(inlined.graph, (_, value) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    assert.doesNotMatch(left, /"opType":"Scaled"/);
  });

  it("takes the overload that a node names", () => {
    const model = calling();
    const node = { ...makeNode("Scaled", ["x"], ["y"], { factor: { float: 2 } }, domain), overload: "adds" };
    const inlined = inlineFunctions({
      ...model,
      graph: { ...model.graph, nodes: [node] },
      functions: [scaled("adds", "Add"), scaled("", "Mul")],
    });
    const [branch] = inlined.graph.nodes.at(-1)!.attributes.flatMap(({ g }) => g ?? []);
    assert.equal(branch!.nodes[0]!.opType, "Add");
  });

  it("lets a scan see what a function in a branch does", () => {
    const model = calling();
    assert.ok(lintModel(model).every(({ rule }) => rule !== "custom-operator"));
  });
});

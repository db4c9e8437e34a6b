import assert from "node:assert/strict";
import { gradientGraph, graphBuilder, type Model } from "../../../lib/onnx/index.js";
import { modelGraph } from "../../../lib/plots/index.js";
import { smallModel } from "../onnx/models.js";

interface Trace {
  readonly name: string;
  readonly text: readonly string[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly xaxis: string;
}
const tracesOf = (figure: ReturnType<typeof modelGraph>): readonly Trace[] =>
  figure.data as unknown as readonly Trace[];
const arrowsOf = (figure: ReturnType<typeof modelGraph>) =>
  (figure.layout as { annotations: readonly { x: number; ax: number }[] }).annotations;

describe("plots.modelGraph", () => {
  const model = smallModel();
  const gradient = gradientGraph(model, { of: { y: "c" }, wrt: ["x"], keep: ["y"] }).model;

  it("has a place for every operator, input, weight and output, and no two on one spot", () => {
    const figure = modelGraph(model);
    const labels = Object.fromEntries(tracesOf(figure).map(({ name, text }) => [name, text.length]));
    assert.equal(labels["operator"], model.graph.nodes.filter(({ opType }) => opType !== "Identity").length);
    assert.equal(labels["output"], model.graph.outputs.length);
    assert.equal(labels["new operator"], undefined);
    const spots = tracesOf(figure).flatMap(({ x, y }) => x.map((layer, i) => `${layer} ${y[i]}`));
    assert.equal(new Set(spots).size, spots.length);
  });

  it("lets every arrow lead to the right", () => {
    for (const { x, ax } of arrowsOf(modelGraph(gradient, { before: model }))) assert.ok(x > ax);
  });

  it("draws what was there before above, and marks what is new", () => {
    const figure = modelGraph(gradient, { before: model });
    const below = tracesOf(figure).filter(({ xaxis }) => xaxis === "x2");
    const count = (name: string): number => below.find((trace) => trace.name === name)?.text.length ?? 0;
    const drawn = gradient.graph.nodes.filter(({ opType }) => opType !== "Identity").length;
    assert.equal(count("operator") + count("new operator"), drawn);
    assert.ok(count("new operator") > 0 && count("operator") > 0);
    assert.match(figure.description, /^\d+ operators: .*\nMade from the \d+ that are drawn above\.$/);
  });

  it("refuses graphs in which nothing could be told apart", () => {
    const builder = graphBuilder();
    let at = builder.input("x", "float32", [1]);
    for (let i = 0; i < 200; i++) at = builder.op("Neg", [at]);
    builder.output("y", at);
    const long: Model = builder.build();
    assert.throws(() => modelGraph(long), { code: "TOO_LARGE", message: /201 nodes/ });
  });
});

/** Draws gradient-graph.png of the README: node notebooks/pictures/gradient-graph.mjs, after npm run build. */
import { writeFileSync } from "node:fs";
import { closeDrawing } from "../../dist/kernel/render/drawing/client.js";
import { figurePng } from "../../dist/kernel/render/picture.js";
import { onnx, plots } from "../../dist/lib/index.js";

const b = onnx.graphBuilder();
b.input("x", "float32", ["batch", 4]);
b.initializer("W", { type: "float32", dims: [3, 4], data: new Float32Array(12) });
b.initializer("b", { type: "float32", dims: [3], data: new Float32Array(3) });
b.node(onnx.makeNode("Gemm", ["x", "W", "b"], ["h"], { transB: 1 }));
b.node(onnx.makeNode("Relu", ["h"], ["y"]));
b.output("y");
const before = b.build("layer");
const after = onnx.gradientGraph(before, { of: { y: "c" }, wrt: ["x", "W"], keep: ["y"] }).model;
const title = "y = Relu(x W + b), and the gradient of sum(c y) by x and W";
const picture = await figurePng(plots.modelGraph(after, { before, title }));
if ("problem" in picture) throw new Error(picture.problem);
writeFileSync(new URL("gradient-graph.png", import.meta.url), Buffer.from(picture.base64, "base64"));
await closeDrawing();

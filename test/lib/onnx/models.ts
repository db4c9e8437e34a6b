/** Small models that several tests share. */
import { graphBuilder, type Model, makeNode } from "../../../lib/onnx/index.js";

/** x [batch, 3] -> Gemm -> hidden -> Relu -> active -> Softmax -> y [batch, 4]. */
export function smallModel(): Model {
  const builder = graphBuilder();
  builder.input("x", "float32", ["batch", 3]);
  const weight = Float32Array.from({ length: 12 }, (_, i) => (i - 6) / 4);
  builder.initializer("weight", { type: "float32", dims: [4, 3], data: weight });
  builder.initializer("bias", { type: "float32", dims: [4], data: Float32Array.of(0.1, -0.2, 0.3, 0) });
  builder.node(makeNode("Gemm", ["x", "weight", "bias"], ["hidden"], { transB: 1 }));
  builder.node(makeNode("Relu", ["hidden"], ["active"]));
  builder.node(makeNode("Softmax", ["active"], ["y"], { axis: -1 }));
  builder.output("y");
  return builder.build();
}

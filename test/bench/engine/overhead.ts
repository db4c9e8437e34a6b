/** What one run of a model costs beyond onnxruntime's own floor. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { wrapModel } from "../../../lib/model/index.js";
import { encodeModel, graphBuilder } from "../../../lib/onnx/index.js";
import { compare, type Row, timed } from "../measure.js";

const RUNS = 3000;

/** Microseconds of an awaited run of one tiny node: `model.run` against onnxruntime's `session.run`. */
export async function runOverhead(rounds: number): Promise<Row> {
  const builder = graphBuilder();
  const x = builder.input("x", "float32", [4]);
  builder.output("y", builder.op("Relu", [x]));
  const graph = builder.build("tiny");
  using model = wrapModel(graph, { threads: 1 });
  const floor = await InferenceSession.create(encodeModel(graph), { intraOpNumThreads: 1 });
  const data = Float32Array.of(1, -2, 3, -4);
  const feed = { x: { type: "float32", dims: [4], data } as const };
  const native = { x: new Tensor("float32", data, [4]) };
  const each = (milliseconds: number): number => (milliseconds * 1000) / RUNS;
  const row = await compare({
    peerName: "onnxruntime",
    threads: 1,
    rounds,
    ours: () =>
      timed(async () => {
        for (let i = 0; i < RUNS; i++) await model.run(feed);
      }),
    peer: () =>
      timed(async () => {
        for (let i = 0; i < RUNS; i++) await floor.run(native);
      }),
    as: { unit: "µs", from: each },
  });
  await floor.release();
  return row;
}

import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import {
  decodeModel,
  encodeModel,
  graphBuilder,
  type Model,
  readTensor,
} from "../../../../lib/onnx/index.js";
import { smallModel } from "../models.js";

/** The same model with no message that remembers its bytes, so that everything is written afresh. */
const rebuilt = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(rebuilt);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rebuilt(item)]));
};

describe("onnx codec", () => {
  it("writes what an independent protobuf reader understands", () => {
    const bytes = encodeModel(smallModel());
    const read = fromBinary(ModelProtoSchema, bytes);
    assert.deepEqual(
      read.graph?.node.map(({ opType, input }) => [opType, input]),
      [
        ["Gemm", ["x", "weight", "bias"]],
        ["Relu", ["hidden"]],
        ["Softmax", ["active"]],
      ],
    );
    assert.equal(read.opsetImport[0]?.version, 21n);
    assert.deepEqual(
      read.graph?.initializer.map(({ dims }) => dims),
      [[4n, 3n], [4n]],
    );
  });

  it("reads what an independent protobuf writer wrote, and writes the same bytes back", () => {
    const bytes = toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, encodeModel(smallModel())));
    assert.deepEqual(encodeModel(decodeModel(bytes)), bytes);
    const model = decodeModel(bytes);
    assert.deepEqual(
      fromBinary(ModelProtoSchema, encodeModel(rebuilt(model) as Model)),
      fromBinary(ModelProtoSchema, bytes),
    );
  });

  it("reads a Node Buffer that lies inside a larger one", () => {
    const bytes = encodeModel(smallModel());
    const pool = Buffer.alloc(bytes.length + 64, 7);
    pool.set(bytes, 32);
    const model = decodeModel(pool.subarray(32, 32 + bytes.length));
    assert.deepEqual(
      model.graph.initializers.map(readTensor),
      smallModel().graph.initializers.map(readTensor),
    );
  });

  it("keeps fields that it does not know", () => {
    const extra = Uint8Array.of(0xc2, 0x3e, 3, 1, 2, 3); // field 1000, three bytes
    const bytes = Buffer.concat([encodeModel(smallModel()), extra]);
    const model = decodeModel(bytes);
    assert.deepEqual(Buffer.from(encodeModel(model)), bytes);
    assert.deepEqual(Buffer.from(encodeModel({ ...model, producerName: "assay" })), bytes);
  });

  it("keeps integers that a double cannot hold", () => {
    const builder = graphBuilder();
    builder.input("x", "float32", [4]);
    builder.ops("Slice", ["x"], 1, { ends: 9223372036854775807n, starts: -3 });
    const [node] = decodeModel(encodeModel(builder.build())).graph.nodes;
    assert.deepEqual(
      node?.attributes.map(({ i }) => i),
      [9223372036854775807n, -3],
    );
  });

  it("reads tensors from raw data and from typed fields alike", () => {
    const graph = create(GraphProtoSchema, {
      name: "g",
      initializer: [
        { name: "f", dims: [2n], dataType: 1, floatData: [1.5, -2] },
        { name: "i", dims: [2n], dataType: 7, int64Data: [1n, -(2n ** 60n)] },
        { name: "b", dims: [1n], dataType: 9, int32Data: [1] },
        { name: "h", dims: [1n], dataType: 10, int32Data: [15360] },
        { name: "d", dims: [1n], dataType: 11, doubleData: [0.1] },
        { name: "s", dims: [1n], dataType: 8, stringData: [Buffer.from("é")] },
        { name: "r", dims: [2n], dataType: 6, rawData: new Uint8Array(Int32Array.of(7, -7).buffer) },
      ].map((message) => create(TensorProtoSchema, message)),
    });
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph }));
    const values = decodeModel(bytes).graph.initializers.map((message) =>
      Array.from(readTensor(message).data as Iterable<unknown>),
    );
    assert.deepEqual(values, [[1.5, -2], [1n, -(2n ** 60n)], [1], [15360], [0.1], ["é"], [7, -7]]);
  });

  it("says at which byte a truncated file ends", () => {
    const bytes = encodeModel(smallModel());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        try {
          decodeModel(bytes.subarray(0, length));
          // Cut exactly between two fields of the file, after the graph: a shorter but valid message.
          return true;
        } catch (error) {
          return error instanceof Error && "code" in error && error.code === "INVALID_MODEL";
        }
      }),
    );
    assert.throws(() => decodeModel(bytes.subarray(0, 60)), {
      code: "INVALID_MODEL",
      message: /byte \d+ of 60/,
    });
  });

  it("refuses what is not ONNX, and messages nested without end", () => {
    assert.throws(() => decodeModel(new Uint8Array(0)), { code: "INVALID_MODEL", message: /empty/ });
    assert.throws(() => decodeModel(Buffer.from("PK\u0003\u0004 a zip file")), { code: "INVALID_MODEL" });
    let nested = Buffer.alloc(0);
    // Sequence types within sequence types: Graph.input[0].type.sequence.elem…
    for (let i = 0; i < 200; i++)
      nested = Buffer.concat([Buffer.from([i % 2 ? 0x22 : 0x0a, ...varint(nested.length)]), nested]);
    const info = field(0x12, nested);
    const bytes = field(0x3a, field(0x5a, info));
    assert.throws(() => decodeModel(bytes), { code: "TOO_LARGE", message: /deep/ });
  });

  it("refuses a second graph in one file instead of picking one", () => {
    const bytes = encodeModel(smallModel());
    assert.throws(() => decodeModel(Buffer.concat([bytes, bytes])), {
      code: "INVALID_MODEL",
      message: /twice/,
    });
  });
});

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
const field = (tag: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);

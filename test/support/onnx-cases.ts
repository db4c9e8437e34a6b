/** ONNX's own operator tests, as Debian's libonnx-testdata installs them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type TensorProto, TensorProtoSchema } from "onnx-buf";
import type { Tensor } from "../../lib/tensor/index.js";

const folder = "/usr/share/libonnx-testdata/data/node";

/** One test: a model of one operator with inputs and the outputs that the standard's authors computed. */
export interface OnnxCase {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** Names of all tests; empty when the package is not installed. */
export const onnxCaseNames = (): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** The model files of all tests; none when the package is not installed. */
export const onnxCaseModels = (): string[] =>
  onnxCaseNames()
    .map((name) => join(folder, name, "model.onnx"))
    .filter((file) => existsSync(file));

/** A test, or undefined if one of its values has a type without a JavaScript array (sequences, bfloat16). */
export function onnxCase(name: string): OnnxCase | undefined {
  const data = join(folder, name, "test_data_set_0");
  if (!existsSync(data)) return undefined;
  const files = readdirSync(data).sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)));
  const read = (kind: string): (Tensor | undefined)[] =>
    files.filter((file) => file.startsWith(kind)).map((file) => tensorOf(readFileSync(join(data, file))));
  const [inputs, outputs] = [read("input"), read("output")];
  if ([...inputs, ...outputs].includes(undefined) || outputs.length === 0) return undefined;
  const model = join(folder, name, "model.onnx");
  return { name, model, inputs: inputs as Tensor[], outputs: outputs as Tensor[] };
}

type NumericType = "float32" | "uint8" | "int8" | "int32" | "int64" | "bool" | "float64";

/** By TensorProto.DataType: name, array, and the field that holds values outside raw_data. */
const TYPES: Readonly<
  Record<number, readonly [NumericType, new (buffer: ArrayBuffer) => Tensor["data"], keyof TensorProto]>
> = {
  1: ["float32", Float32Array, "floatData"],
  2: ["uint8", Uint8Array, "int32Data"],
  3: ["int8", Int8Array, "int32Data"],
  6: ["int32", Int32Array, "int32Data"],
  7: ["int64", BigInt64Array, "int64Data"],
  9: ["bool", Uint8Array, "int32Data"],
  11: ["float64", Float64Array, "doubleData"],
};

function tensorOf(bytes: Uint8Array): Tensor | undefined {
  let message: TensorProto;
  try {
    message = fromBinary(TensorProtoSchema, bytes);
  } catch {
    return undefined; // A sequence or an optional value.
  }
  const type = TYPES[message.dataType];
  if (!type) return undefined;
  const [name, Make, field] = type;
  const dims = message.dims.map(Number);
  const raw = new Uint8Array(message.rawData);
  const listed = message[field] as readonly (number | bigint)[];
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (raw.length === 0 && listed.length !== size) return undefined;
  const data =
    raw.length > 0
      ? new Make(raw.buffer)
      : (Make as unknown as { from(values: readonly (number | bigint)[]): Tensor["data"] }).from(listed);
  return data.length === size ? ({ type: name, dims, data } as Tensor) : undefined;
}

/** The messages of an ONNX file: their types, and the one table from which they are read and written. */

/** A 64-bit integer: a number while it is exact, else a bigint (`ends: INT64_MAX` in a Slice). */
export type Integer = number | bigint;

/** A stretch of a file that stays on disk until somebody needs it. */
export interface FileSpan {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Bytes in memory, or where on disk they are. */
export type Bytes = Uint8Array | FileSpan;

/** Fields of a message that the table does not know, kept as read: `[tag, encoded field]`. */
export interface Message {
  readonly unknown?: readonly Uint8Array[];
}

/** A whole file: ModelProto. */
export interface Model extends Message {
  readonly irVersion?: Integer;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: Integer;
  readonly docString?: string;
  readonly graph: Graph;
  readonly opsets: readonly OperatorSet[];
  readonly metadata: readonly KeyValue[];
  readonly functions: readonly FunctionDefinition[];
}

/** A version of one domain's operators: OperatorSetIdProto. */
export interface OperatorSet extends Message {
  readonly domain?: string;
  readonly version?: Integer;
}

/** StringStringEntryProto. */
export interface KeyValue extends Message {
  readonly key?: string;
  readonly value?: string;
}

/** A directed acyclic graph of operators: GraphProto. */
export interface Graph extends Message {
  readonly nodes: readonly Node[];
  readonly name?: string;
  readonly initializers: readonly TensorMessage[];
  readonly docString?: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfo: readonly ValueInfo[];
  readonly sparseInitializers: readonly SparseTensor[];
  readonly metadata: readonly KeyValue[];
}

/** One operator call: NodeProto. An empty input or output name means "left out". */
export interface Node extends Message {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly opType: string;
  readonly attributes: readonly Attribute[];
  readonly docString?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly metadata: readonly KeyValue[];
}

/** AttributeProto: `type` says which of the fields holds the value. */
export interface Attribute extends Message {
  readonly name: string;
  readonly f?: number;
  readonly i?: Integer;
  readonly s?: Bytes;
  readonly t?: TensorMessage;
  readonly g?: Graph;
  readonly floats: readonly number[];
  readonly ints: readonly Integer[];
  readonly strings: readonly Bytes[];
  readonly tensors: readonly TensorMessage[];
  readonly graphs: readonly Graph[];
  readonly docString?: string;
  readonly tp?: TypeMessage;
  readonly typeProtos: readonly TypeMessage[];
  readonly type?: Integer;
  readonly refAttrName?: string;
  readonly sparseTensor?: SparseTensor;
  readonly sparseTensors: readonly SparseTensor[];
}

/** TensorProto. */
export interface TensorMessage extends Message {
  readonly dims: readonly Integer[];
  readonly dataType?: Integer;
  readonly floatData?: Float32Array;
  readonly int32Data?: Int32Array;
  readonly stringData: readonly Bytes[];
  readonly int64Data?: BigInt64Array;
  readonly name?: string;
  readonly rawData?: Bytes;
  readonly doubleData?: Float64Array;
  readonly uint64Data?: BigUint64Array;
  readonly docString?: string;
  readonly externalData: readonly KeyValue[];
  readonly dataLocation?: Integer;
  readonly metadata: readonly KeyValue[];
}

/** SparseTensorProto. */
export interface SparseTensor extends Message {
  readonly values?: TensorMessage;
  readonly indices?: TensorMessage;
  readonly dims: readonly Integer[];
}

/** ValueInfoProto: the name and type of a graph's input, output or inner tensor. */
export interface ValueInfo extends Message {
  readonly name: string;
  readonly type?: TypeMessage;
  readonly docString?: string;
  readonly metadata: readonly KeyValue[];
}

/** TypeProto. */
export interface TypeMessage extends Message {
  readonly tensorType?: TensorTypeMessage;
  readonly sequenceType?: ElementTypeMessage;
  readonly mapType?: MapTypeMessage;
  readonly denotation?: string;
  readonly sparseTensorType?: TensorTypeMessage;
  readonly optionalType?: ElementTypeMessage;
}

/** TypeProto.Tensor. */
export interface TensorTypeMessage extends Message {
  readonly elemType?: Integer;
  readonly shape?: Shape;
}

/** TypeProto.Sequence and TypeProto.Optional. */
export interface ElementTypeMessage extends Message {
  readonly elemType?: TypeMessage;
}

/** TypeProto.Map. */
export interface MapTypeMessage extends Message {
  readonly keyType?: Integer;
  readonly valueType?: TypeMessage;
}

/** TensorShapeProto. */
export interface Shape extends Message {
  readonly dims: readonly Dimension[];
}

/** TensorShapeProto.Dimension: a number, a symbol, or neither when unknown. */
export interface Dimension extends Message {
  readonly value?: Integer;
  readonly symbol?: string;
  readonly denotation?: string;
}

/** A function of the file itself: FunctionProto. */
export interface FunctionDefinition extends Message {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributeNames: readonly string[];
  readonly nodes: readonly Node[];
  readonly docString?: string;
  readonly opsets: readonly OperatorSet[];
  readonly domain?: string;
  readonly attributeDefaults: readonly Attribute[];
  readonly valueInfo: readonly ValueInfo[];
  readonly overload?: string;
  readonly metadata: readonly KeyValue[];
}

/** How a field travels: a scalar, a packed array, or the name of a message. */
export type FieldKind =
  | "int"
  | "float"
  | "string"
  | "bytes"
  | "floats"
  | "ints"
  | "float32s"
  | "int32s"
  | "int64s"
  | "float64s"
  | "uint64s"
  | MessageName;

/** One row of the table. `many` fields are arrays, present even when empty. */
export interface Field {
  readonly number: number;
  readonly name: string;
  readonly kind: FieldKind;
  readonly many: boolean;
  /** A scalar string that the types promise, read as "" when a file leaves it out. */
  readonly required: boolean;
}

/** Names of the messages in the table. */
export type MessageName =
  | "Model"
  | "OperatorSet"
  | "KeyValue"
  | "Graph"
  | "Node"
  | "Attribute"
  | "Tensor"
  | "SparseTensor"
  | "ValueInfo"
  | "Type"
  | "TensorType"
  | "ElementType"
  | "MapType"
  | "Shape"
  | "Dimension"
  | "Function";

/** `number name kind`, with `*` for many and `!` for required; rows stand in the order in which protobuf writes them. */
const text: Readonly<Record<MessageName, string>> = {
  Model: `1 irVersion int, 2 producerName string, 3 producerVersion string, 4 domain string,
    5 modelVersion int, 6 docString string, 7 graph Graph, 8 opsets OperatorSet*, 14 metadata KeyValue*,
    25 functions Function*`,
  OperatorSet: "1 domain string, 2 version int",
  KeyValue: "1 key string, 2 value string",
  Graph: `1 nodes Node*, 2 name string, 5 initializers Tensor*, 10 docString string, 11 inputs ValueInfo*,
    12 outputs ValueInfo*, 13 valueInfo ValueInfo*, 15 sparseInitializers SparseTensor*, 16 metadata KeyValue*`,
  Node: `1 inputs string*, 2 outputs string*, 3 name string, 4 opType string!, 5 attributes Attribute*,
    6 docString string, 7 domain string, 8 overload string, 9 metadata KeyValue*`,
  Attribute: `1 name string!, 2 f float, 3 i int, 4 s bytes, 5 t Tensor, 6 g Graph, 7 floats floats, 8 ints ints,
    9 strings bytes*, 10 tensors Tensor*, 11 graphs Graph*, 13 docString string, 14 tp Type,
    15 typeProtos Type*, 20 type int, 21 refAttrName string, 22 sparseTensor SparseTensor,
    23 sparseTensors SparseTensor*`,
  Tensor: `1 dims ints, 2 dataType int, 4 floatData float32s, 5 int32Data int32s, 6 stringData bytes*,
    7 int64Data int64s, 8 name string, 9 rawData bytes, 10 doubleData float64s, 11 uint64Data uint64s,
    12 docString string, 13 externalData KeyValue*, 14 dataLocation int, 16 metadata KeyValue*`,
  SparseTensor: "1 values Tensor, 2 indices Tensor, 3 dims ints",
  ValueInfo: "1 name string!, 2 type Type, 3 docString string, 4 metadata KeyValue*",
  Type: `1 tensorType TensorType, 4 sequenceType ElementType, 5 mapType MapType, 6 denotation string,
    8 sparseTensorType TensorType, 9 optionalType ElementType`,
  TensorType: "1 elemType int, 2 shape Shape",
  ElementType: "1 elemType Type",
  MapType: "1 keyType int, 2 valueType Type",
  Shape: "1 dims Dimension*",
  Dimension: "1 value int, 2 symbol string, 3 denotation string",
  Function: `1 name string!, 4 inputs string*, 5 outputs string*, 6 attributeNames string*, 7 nodes Node*,
    8 docString string, 9 opsets OperatorSet*, 10 domain string, 11 attributeDefaults Attribute*,
    12 valueInfo ValueInfo*, 13 overload string, 14 metadata KeyValue*`,
};

const parse = (rows: string): readonly Field[] =>
  rows.split(",").map((row) => {
    const [number, name, kind] = row.trim().split(/\s+/) as [string, string, string];
    return {
      number: Number(number),
      name,
      kind: kind.replace(/[*!]$/, "") as FieldKind,
      many: kind.endsWith("*") || kind === "floats" || kind === "ints",
      required: kind.endsWith("!"),
    };
  });

/** Fields of each message in writing order. */
export const schema = Object.fromEntries(
  Object.entries(text).map(([message, rows]) => [message, parse(rows)]),
) as unknown as Readonly<Record<MessageName, readonly Field[]>>;

/** NumPy's .npy files: one array each, format versions 1 to 3. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { endianness } from "node:os";
import { AssayError } from "../errors.js";
import { arrayOfType, bytesPerElement } from "./dtype.js";
import { sizeOf, type Tensor, type TensorData, type TensorType, tensor } from "./tensor.js";

type NumericType = Exclude<TensorType, "string">;

/** NumPy's type letters and sizes, without the byte-order mark. */
const typeOfCode: Readonly<Record<string, NumericType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  b1: "bool",
};
const codeOfType = new Map(Object.entries(typeOfCode).map(([code, type]) => [type, code]));

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy's own limit for headers read without trust is 10,000 characters. */
const maxHeaderBytes = 10_000;
const maxRank = 64;

/**
 * Reads an array saved with `numpy.save`.
 *
 * Every numeric type is read, in either byte order; Fortran order is turned into row-major. Arrays of
 * Python objects, structures, complex numbers and text are refused, pickles are never executed.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE (with what is wrong and where), UNSUPPORTED_TYPE.
 * @example
 * const images = tensor.readNpy("images.npy");   // { type: "float32", dims: [500, 1, 28, 28], data }
 */
export function readNpy(path: string): Tensor {
  return decodeNpy(readBytes(path), path);
}

/** Saves a tensor so that `numpy.load` reads it; strings are refused. */
export async function writeNpy(path: string, value: Tensor): Promise<void> {
  await writeFile(path, encodeNpy(value));
}

/** The tensor in the bytes of an .npy file. `name` is used in error messages. */
export function decodeNpy(bytes: Uint8Array, name = "npy"): Tensor {
  const header = parseHeader(bytes, name);
  const { type, dims } = header;
  const expected = sizeOf(dims) * bytesPerElement[type];
  const found = bytes.length - header.dataOffset;
  if (!Number.isSafeInteger(expected) || found !== expected) {
    throw invalid(
      name,
      `shape (${dims.join(", ")}) of ${type} needs ${expected} bytes of data, but ${found} follow the header`,
      { dims, type, found },
    );
  }
  const data = elements(bytes, header.dataOffset, type, header.bigEndian);
  return tensor(type, dims, header.fortran ? rowMajor(data, dims) : data);
}

/** The bytes of an .npy file (version 1.0, little-endian, row-major). */
export function encodeNpy(value: Tensor): Uint8Array {
  const { type, dims, data } = value;
  const code = codeOfType.get(type as NumericType);
  if (type === "string" || Array.isArray(data) || code === undefined) {
    throw new AssayError("UNSUPPORTED_TYPE", `writeNpy: tensors of type ${type} have no .npy form here.`, {
      type,
    });
  }
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const order = bytesPerElement[type] === 1 ? "|" : "<";
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  // Data starts at a multiple of 64 and the header ends in a newline, as numpy writes it.
  const headerLength = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + headerLength + data.byteLength);
  bytes.set(magic);
  bytes.set([1, 0, headerLength & 255, headerLength >> 8], 6);
  bytes.set(new TextEncoder().encode(`${text.padEnd(headerLength - 1)}\n`), 10);
  const body = bytes.subarray(10 + headerLength);
  body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (endianness() === "BE") swapBytes(body, bytesPerElement[type]);
  return bytes;
}

/** Reads a whole file, or says in one sentence why not. */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new AssayError("FILE_NOT_FOUND", `there is no file "${path}".`, { path }, { cause });
    }
    const tooLarge = code === "ERR_FS_FILE_TOO_LARGE";
    throw new AssayError(
      tooLarge ? "TOO_LARGE" : "INVALID_FILE",
      `cannot read "${path}": ${(cause as Error).message}.`,
      { path },
      { cause },
    );
  }
}

interface Header {
  readonly type: NumericType;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly dims: readonly number[];
  readonly dataOffset: number;
}

function parseHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw invalid(name, "it does not start with NumPy's magic bytes", {});
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw invalid(name, `format version ${version} is unknown`, { version });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw invalid(name, "it ends inside the header", {});
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes) {
    throw invalid(name, `its header of ${length} bytes is longer than ${maxHeaderBytes}`, { length });
  }
  if (start + length > bytes.length) throw invalid(name, "it ends inside the header", { length });
  const text = new TextDecoder().decode(bytes.subarray(start, start + length));
  return { ...parseDictionary(text, name), dataOffset: start + length };
}

/** Reads the Python dictionary literal that numpy writes: exactly the keys descr, fortran_order and shape. */
function parseDictionary(text: string, name: string): Omit<Header, "dataOffset"> {
  const descr = /'descr'\s*:\s*(?:'([^']*)'|(\[))/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)\b/.exec(text);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  if (!/^\s*\{.*\}\s*$/s.test(text) || !descr || !order || !shape) {
    throw invalid(name, `its header is not one that numpy writes: ${text.trim().slice(0, 120)}`, {});
  }
  const code = descr[1] ?? "a structure";
  const type = /^[<>=|]?(.*)$/.exec(code)?.[1];
  const known = type === undefined ? undefined : typeOfCode[type];
  if (!known) {
    throw new AssayError(
      "UNSUPPORTED_TYPE",
      `"${name}" holds ${describeCode(code)}; only real numbers and booleans are read. In Python: array.astype("float32").`,
      { name, descr: code },
    );
  }
  const dims = shape[1]!
    .split(",")
    .map((part) => part.trim().replace(/L$/, ""))
    .filter((part) => part !== "")
    .map(Number);
  if (dims.length > maxRank || dims.some((dim) => !Number.isSafeInteger(dim))) {
    throw invalid(name, `shape (${shape[1]}) is out of range`, { shape: shape[1] });
  }
  return { type: known, bigEndian: code.startsWith(">"), fortran: order[1] === "True", dims };
}

function describeCode(code: string): string {
  const letter = /^[<>=|]?([A-Za-z])/.exec(code)?.[1];
  if (letter === "O") return "pickled Python objects";
  if (letter === "U" || letter === "S") return `text (dtype ${code})`;
  if (letter === "c") return `complex numbers (dtype ${code})`;
  return `elements of dtype ${code}`;
}

function elements(
  bytes: Uint8Array,
  offset: number,
  type: NumericType,
  bigEndian: boolean,
): TensorData[NumericType] {
  const size = bytesPerElement[type];
  const swap = size > 1 && bigEndian !== (endianness() === "BE");
  const aligned = (bytes.byteOffset + offset) % size === 0;
  // A copy only where it must be: swapped bytes, or data that does not start on its element size.
  // The slice of a Buffer would be a view of it, as unaligned as before.
  const body = aligned && !swap ? bytes.subarray(offset) : Uint8Array.prototype.slice.call(bytes, offset);
  if (swap) swapBytes(body, size);
  return new arrayOfType[type](body.buffer as ArrayBuffer, body.byteOffset, body.byteLength / size);
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

/** Column-major elements in row-major order. */
function rowMajor<A extends TensorData[NumericType]>(data: A, dims: readonly number[]): A {
  const result = data.slice() as A;
  const index = new Array<number>(dims.length).fill(0);
  for (let to = 0; to < data.length; to++) {
    let from = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) from = from * dims[axis]! + index[axis]!;
    result[to] = data[from]!;
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) index[axis] = 0;
  }
  return result;
}

function invalid(name: string, what: string, details: Readonly<Record<string, unknown>>): AssayError {
  return new AssayError("INVALID_FILE", `"${name}" is not a readable .npy array: ${what}.`, {
    name,
    ...details,
  });
}

/** The IDX files in which MNIST and its relatives are published: a magic number, dimensions, then bytes. */
import { gunzipSync } from "node:zlib";
import { AssayError } from "../errors.js";
import { sizeOf, type Tensor } from "../tensor/index.js";

const MAX_BYTES = 512 * 1024 * 1024;
const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file of unsigned bytes, gzipped or not.
 *
 * @param bytes The file's bytes.
 * @param name Used in error messages.
 * @returns A uint8 tensor with the file's own dimensions, e.g. `[10000, 28, 28]`.
 * @throws AssayError INVALID_FILE if it is no such file or shorter than its header says.
 * @see Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits (file format).
 */
export function readIdx(bytes: Uint8Array, name: string): Tensor<"uint8"> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? unzip(bytes, name) : bytes;
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (plain.length < 4 || view.getUint16(0) !== 0 || plain[2] !== UNSIGNED_BYTE) {
    throw invalid(name, "it does not start with 00 00 08");
  }
  const rank = plain[3]!;
  const start = 4 + 4 * rank;
  if (plain.length < start) throw invalid(name, "it ends inside its header");
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(dims);
  if (plain.length - start !== size) {
    throw invalid(name, `its header describes ${size} bytes, but ${plain.length - start} follow`);
  }
  return { type: "uint8", dims, data: Uint8Array.from(plain.subarray(start)) };
}

function unzip(bytes: Uint8Array, name: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    throw invalid(name, "it does not unzip", cause);
  }
}

function invalid(name: string, what: string, cause?: unknown): AssayError {
  return new AssayError(
    "INVALID_FILE",
    `"${name}" is not a readable IDX file: ${what}.`,
    { name },
    { cause },
  );
}

/** NumPy's .npz files: a zip archive of .npy arrays, stored or deflated. */
import { writeFile } from "node:fs/promises";
import { inflateRawSync } from "node:zlib";
import { zipSync } from "fflate";
import { AssayError } from "../errors.js";
import { decodeNpy, encodeNpy, readBytes } from "./npy.js";
import type { Tensor } from "./tensor.js";

/** Limits on what an archive may unpack to: a few kilobytes of zip can describe petabytes. */
export interface NpzLimits {
  /** Most bytes that all arrays may take together. Default 4 GiB. */
  readonly maxTotalBytes?: number;
  /** Most arrays. Default 10,000. */
  readonly maxArrays?: number;
}

/**
 * Reads arrays saved with `numpy.savez` or `numpy.savez_compressed`, by name.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE, UNSUPPORTED_TYPE, TOO_LARGE if the arrays exceed `limits`.
 * @example
 * const { inputs, labels } = tensor.readNpz("clean.npz");
 */
export function readNpz(path: string, limits: NpzLimits = {}): Record<string, Tensor> {
  return decodeNpz(readBytes(path), path, limits);
}

/** Saves tensors by name so that `numpy.load` reads them. The same tensors always give the same bytes. */
export async function writeNpz(path: string, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
  await writeFile(path, encodeNpz(tensors));
}

/** The bytes of a deflated .npz archive. */
export function encodeNpz(tensors: Readonly<Record<string, Tensor>>): Uint8Array {
  const files = Object.entries(tensors).map(([name, value]) => [`${name}.npy`, encodeNpy(value)] as const);
  return zipSync(Object.fromEntries(files), { level: 6, mtime: new Date(1980, 0, 1) });
}

/** The arrays in the bytes of an .npz archive. `name` is used in error messages. */
export function decodeNpz(bytes: Uint8Array, name = "npz", limits: NpzLimits = {}): Record<string, Tensor> {
  const { maxTotalBytes = 2 ** 32, maxArrays = 10_000 } = limits;
  const entries = listEntries(bytes, name, maxArrays);
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (total > maxTotalBytes) {
    throw new AssayError(
      "TOO_LARGE",
      `"${name}" unpacks to ${total} bytes, more than the limit of ${maxTotalBytes}. Raise maxTotalBytes if you trust it.`,
      { name, total, maxTotalBytes },
    );
  }
  const arrays: Record<string, Tensor> = Object.create(null);
  for (const entry of entries) {
    const key = entry.path.replace(/\.npy$/, "");
    if (key in arrays) throw invalid(name, `two arrays are called "${key}"`);
    arrays[key] = decodeNpy(unpack(bytes, entry, name), `${name}: ${entry.path}`);
  }
  return { ...arrays };
}

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly headerOffset: number;
}

/** Reads the central directory at the end of the archive; nothing is unpacked yet. */
function listEntries(bytes: Uint8Array, name: string, maxArrays: number): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end < 0) throw invalid(name, "it has no zip directory at its end");
  let count = view.getUint16(end + 10, true);
  let offset = view.getUint32(end + 16, true);
  if (
    (count === 0xffff || offset === 0xffffffff) &&
    end >= 20 &&
    view.getUint32(end - 20, true) === 0x07064b50
  ) {
    const end64 = Number(view.getBigUint64(end - 12, true));
    if (!inside(view, end64, 56) || view.getUint32(end64, true) !== 0x06064b50) {
      throw invalid(name, "its zip64 directory is damaged");
    }
    count = Number(view.getBigUint64(end64 + 32, true));
    offset = Number(view.getBigUint64(end64 + 48, true));
  }
  if (count > maxArrays) {
    throw new AssayError("TOO_LARGE", `"${name}" lists ${count} arrays, more than ${maxArrays}.`, {
      name,
      count,
    });
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (!inside(view, offset, 46) || view.getUint32(offset, true) !== 0x02014b50) {
      throw invalid(name, `entry ${i} of its directory is damaged`);
    }
    const pathLength = view.getUint16(offset + 28, true);
    const extraLength = view.getUint16(offset + 30, true);
    const next = offset + 46 + pathLength + extraLength + view.getUint16(offset + 32, true);
    if (next > bytes.length) throw invalid(name, `entry ${i} of its directory is damaged`);
    entries.push(readEntry(bytes, view, offset, pathLength, extraLength));
    offset = next;
  }
  return entries.filter((entry) => !entry.path.endsWith("/"));
}

function readEntry(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  pathLength: number,
  extraLength: number,
): Entry {
  const path = new TextDecoder().decode(bytes.subarray(offset + 46, offset + 46 + pathLength));
  const fields = {
    size: view.getUint32(offset + 24, true),
    packedSize: view.getUint32(offset + 20, true),
    headerOffset: view.getUint32(offset + 42, true),
  };
  // zip64: fields that do not fit 32 bits stand in an extra record, in this order.
  let at = offset + 46 + pathLength;
  const extraEnd = at + extraLength;
  while (at + 4 <= extraEnd) {
    const id = view.getUint16(at, true);
    const stop = Math.min(at + 4 + view.getUint16(at + 2, true), extraEnd);
    let value = at + 4;
    for (const key of ["size", "packedSize", "headerOffset"] as const) {
      if (id !== 1 || fields[key] !== 0xffffffff || value + 8 > stop) continue;
      fields[key] = Number(view.getBigUint64(value, true));
      value += 8;
    }
    at = stop;
  }
  return {
    path,
    method: view.getUint16(offset + 10, true),
    crc: view.getUint32(offset + 16, true),
    ...fields,
  };
}

/** Where the end-of-directory record starts: it is followed by a comment of up to 65,535 bytes. */
function findEnd(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  return -1;
}

function unpack(bytes: Uint8Array, entry: Entry, name: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { headerOffset, packedSize, size, path } = entry;
  if (!inside(view, headerOffset, 30) || view.getUint32(headerOffset, true) !== 0x04034b50) {
    throw invalid(name, `"${path}" is not where the directory says`);
  }
  const start =
    headerOffset + 30 + view.getUint16(headerOffset + 26, true) + view.getUint16(headerOffset + 28, true);
  if (!inside(view, start, packedSize)) throw invalid(name, `it ends inside "${path}"`);
  const packed = bytes.subarray(start, start + packedSize);
  const unpacked = inflate(packed, entry, name);
  if (unpacked.length !== size || crc32(unpacked) !== entry.crc) {
    throw invalid(name, `"${path}" does not match its checksum`);
  }
  return unpacked;
}

function inflate(packed: Uint8Array, entry: Entry, name: string): Uint8Array {
  if (entry.method === 0) return packed;
  if (entry.method !== 8) throw invalid(name, `"${entry.path}" uses zip method ${entry.method}`);
  try {
    // One byte more than promised: a longer stream then fails here instead of filling the memory.
    return inflateRawSync(packed, { maxOutputLength: entry.size + 1 });
  } catch (cause) {
    throw invalid(name, `"${entry.path}" does not unpack to the ${entry.size} bytes that it promises`, cause);
  }
}

const inside = (view: DataView, offset: number, length: number): boolean =>
  Number.isSafeInteger(offset) && offset >= 0 && offset + length <= view.byteLength;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function invalid(name: string, what: string, cause?: unknown): AssayError {
  return new AssayError(
    "INVALID_FILE",
    `"${name}" is not a readable .npz archive: ${what}.`,
    { name },
    { cause },
  );
}

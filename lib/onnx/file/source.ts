/** Where an encoded model is read from: bytes in memory, or a file of which only windows are loaded. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { AssayError } from "../../errors.js";
import type { Bytes, FileSpan } from "../schema.js";

/** Random access to encoded bytes. */
export interface ByteSource {
  readonly size: number;
  /** Bytes `[start, end)`: a view in memory, a fresh buffer from a file. */
  read(start: number, end: number): Uint8Array;
  /** Set when large fields may stay on disk. */
  readonly file?: string;
  close(): void;
}

/** A source over bytes that are already in memory; reads are views. */
export function memorySource(bytes: Uint8Array): ByteSource {
  // As a plain array: slice() of a Node Buffer does not copy, and its buffer may be a pool or a whole archive.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: plain.length, read: (start, end) => plain.subarray(start, end), close: () => {} };
}

/** A source over a file; nothing is read until it is asked for. */
export function fileSource(file: string): ByteSource {
  const descriptor = openFile(file);
  return {
    size: statSync(file).size,
    file,
    read: (start, end) => readFully(descriptor, file, start, end - start),
    close: () => closeSync(descriptor),
  };
}

/** The bytes themselves, read from disk if that is where they are. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  return readSpan(bytes);
}

/** Number of bytes, without reading them. */
export const byteLength = (bytes: Bytes): number => bytes.length;

/** Reads a stretch of a file. */
export function readSpan(span: FileSpan): Uint8Array {
  const descriptor = openFile(span.file);
  try {
    return readFully(descriptor, span.file, span.offset, span.length);
  } finally {
    closeSync(descriptor);
  }
}

function openFile(file: string): number {
  try {
    if (!statSync(file).isFile()) {
      throw new AssayError("INVALID_FILE", `"${file}" is not a file.`, { file });
    }
    return openSync(file, "r");
  } catch (cause) {
    if (cause instanceof AssayError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new AssayError("FILE_NOT_FOUND", `There is no file "${file}".`, { file }, { cause });
    }
    throw new AssayError("INVALID_FILE", `The file "${file}" cannot be read (${code}).`, { file }, { cause });
  }
}

function readFully(descriptor: number, file: string, offset: number, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, buffer, done, Math.min(length - done, 1 << 30), offset + done);
    if (count === 0) {
      throw new AssayError("INVALID_FILE", `The file "${file}" ends early: no byte at ${offset + done}.`, {
        file,
        offset: offset + done,
      });
    }
    done += count;
  }
  return buffer;
}

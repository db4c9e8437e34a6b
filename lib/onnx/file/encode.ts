/** Writes an ONNX model: what was not touched goes out as it came in, as views. */
import { closeSync, fsyncSync, openSync, renameSync, writevSync } from "node:fs";
import { type Bytes, type Field, type Integer, type MessageName, type Model, schema } from "../schema.js";
import { origin } from "./decode.js";
import { bytesOf, readSpan } from "./source.js";

const COPY_BYTES = 64 << 20;

/** The encoded model in one buffer. */
export function encodeModel(model: Model): Uint8Array {
  const { chunks, size } = encode(model);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(bytesOf(chunk), at);
    at += chunk.length;
  }
  return whole;
}

/** Writes the model beside `file`, then renames, so that there is never half a file. Weights are not copied in memory. */
export function writeModel(file: string, model: Model): void {
  const { chunks } = encode(model);
  const temporary = `${file}.${process.pid}.part`;
  const descriptor = openSync(temporary, "w");
  try {
    let batch: Uint8Array[] = [];
    const flush = (): void => {
      let pending = batch;
      batch = [];
      while (pending.length > 0) {
        let written = writevSync(descriptor, pending);
        while (pending.length > 0 && written >= pending[0]!.length) written -= pending.shift()!.length;
        if (pending.length > 0) pending = [pending[0]!.subarray(written), ...pending.slice(1)];
      }
    };
    for (const chunk of chunks) {
      if (chunk instanceof Uint8Array) batch.push(chunk);
      else {
        for (let done = 0; done < chunk.length; done += COPY_BYTES) {
          const length = Math.min(COPY_BYTES, chunk.length - done);
          batch.push(readSpan({ ...chunk, offset: chunk.offset + done, length }));
          flush();
        }
      }
      if (batch.length >= 512) flush();
    }
    flush();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** The encoded model as a list of views and stretches of files. */
export function encode(model: Model): { chunks: Bytes[]; size: number } {
  const chunks: Bytes[] = [];
  const size = writeMessage(chunks, "Model", model as unknown as Record<string, unknown>);
  return { chunks, size };
}

/** Appends a message to `chunks` and returns its size. */
function writeMessage(chunks: Bytes[], name: MessageName, message: Record<string, unknown>): number {
  const from = origin.get(message);
  if (from) {
    chunks.push(from.source.read(from.start, from.end));
    return from.end - from.start;
  }
  const writer = new Writer(chunks);
  for (const field of schema[name]) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.required && value === "") continue;
    writeField(writer, field, value);
  }
  for (const bytes of (message["unknown"] as Uint8Array[] | undefined) ?? []) writer.bytes(bytes);
  return writer.finish();
}

function writeField(writer: Writer, field: Field, value: unknown): void {
  const { number, kind } = field;
  switch (kind) {
    case "int":
      writer.tag(number, 0);
      writer.integer(value as Integer);
      return;
    case "float":
      writer.tag(number, 5);
      writer.float(value as number);
      return;
    case "ints":
      for (const item of value as Integer[]) {
        writer.tag(number, 0);
        writer.integer(item);
      }
      return;
    case "floats":
      for (const item of value as number[]) {
        writer.tag(number, 5);
        writer.float(item);
      }
      return;
    case "float32s":
    case "float64s": {
      const array = value as Float32Array;
      if (array.length > 0)
        writer.delimited(number, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      return;
    }
    case "int32s":
    case "int64s":
    case "uint64s": {
      const array = value as ArrayLike<Integer>;
      if (array.length === 0) return;
      const inner: Bytes[] = [];
      const packed = new Writer(inner);
      for (let i = 0; i < array.length; i++) packed.integer(array[i]!);
      writer.nested(number, inner, packed.finish());
      return;
    }
    default:
      for (const item of field.many ? (value as unknown[]) : [value]) writeDelimited(writer, field, item);
  }
}

function writeDelimited(writer: Writer, field: Field, value: unknown): void {
  if (field.kind === "string") writer.delimited(field.number, Buffer.from(value as string, "utf8"));
  else if (field.kind === "bytes") writer.delimited(field.number, value as Bytes);
  else {
    const inner: Bytes[] = [];
    const size = writeMessage(inner, field.kind as MessageName, value as Record<string, unknown>);
    writer.nested(field.number, inner, size);
  }
}

/** Collects small pieces into blocks, and passes large ones on as they are. */
class Writer {
  private readonly chunks: Bytes[];
  private block = new Uint8Array(256);
  private view = new DataView(this.block.buffer);
  private used = 0;
  private size = 0;

  constructor(chunks: Bytes[]) {
    this.chunks = chunks;
  }

  tag(number: number, wire: number): void {
    this.integer(number * 8 + wire);
  }

  integer(value: Integer): void {
    this.reserve(10);
    if (typeof value === "number" && value >= 0 && value < 0x80000000) {
      let rest = value;
      while (rest > 127) {
        this.block[this.used++] = (rest & 127) | 128;
        rest >>>= 7;
      }
      this.block[this.used++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.block[this.used++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.block[this.used++] = Number(rest);
  }

  float(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.used, value, true);
    this.used += 4;
  }

  bytes(bytes: Bytes): void {
    if (bytes instanceof Uint8Array && bytes.length <= 4096) {
      this.reserve(bytes.length);
      this.block.set(bytes, this.used);
      this.used += bytes.length;
      return;
    }
    this.flush();
    this.chunks.push(bytes);
    this.size += bytes.length;
  }

  delimited(number: number, bytes: Bytes): void {
    this.tag(number, 2);
    this.integer(bytes.length);
    this.bytes(bytes);
  }

  nested(number: number, chunks: readonly Bytes[], size: number): void {
    this.tag(number, 2);
    this.integer(size);
    for (const chunk of chunks) this.bytes(chunk);
  }

  finish(): number {
    this.flush();
    return this.size;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.block.length) return;
    const larger = new Uint8Array(Math.max(this.block.length * 2, this.used + bytes));
    larger.set(this.block.subarray(0, this.used));
    this.block = larger;
    this.view = new DataView(larger.buffer);
  }

  private flush(): void {
    if (this.used === 0) return;
    this.chunks.push(this.block.subarray(0, this.used));
    this.size += this.used;
    this.block = new Uint8Array(256);
    this.view = new DataView(this.block.buffer);
    this.used = 0;
  }
}

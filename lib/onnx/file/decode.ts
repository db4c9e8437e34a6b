/** Reads an encoded ONNX model: bounds on everything, views instead of copies, nothing dropped. */
import { AssayError } from "../../errors.js";
import { type Field, type Integer, type MessageName, type Model, schema } from "../schema.js";
import { type ByteSource, fileSource, memorySource } from "./source.js";

/** Bytes fields longer than this stay on disk when the source is a file. */
const SPAN_BYTES = 65_536;
const WINDOW_BYTES = 1 << 20;
/** Files up to this size are read whole: one read is faster than windows. */
const WHOLE_FILE_BYTES = 16 << 20;
/** Messages within messages; real models nest If bodies a few levels, each costing four. */
const MAX_DEPTH = 64;

/** Where a decoded message came from. A message that nobody replaced is written back as these very bytes. */
export const origin = new WeakMap<object, { source: ByteSource; start: number; end: number }>();

const rows = Object.fromEntries(
  Object.entries(schema).map(([name, fields]) => [
    name,
    new Map(fields.map((field) => [field.number, field])),
  ]),
) as unknown as Readonly<Record<MessageName, ReadonlyMap<number, Field>>>;

/**
 * Decodes an ONNX model.
 *
 * Numbers become views on `bytes`, which therefore must not change afterwards. Unknown fields are kept, so
 * that `encodeModel` gives the same bytes back.
 *
 * @throws AssayError INVALID_MODEL if the bytes are not an ONNX model or are cut short: the message says at
 *   which byte; TOO_LARGE if the nesting or the number of messages exceeds what real models need.
 */
export function decodeModel(bytes: Uint8Array): Model {
  return decodeSource(memorySource(bytes));
}

/** Decodes a model file. Large weights of large files stay on disk as `FileSpan`s. */
export function decodeFile(file: string): Model {
  const source = fileSource(file);
  try {
    if (source.size > WHOLE_FILE_BYTES) return decodeSource(source);
    return decodeSource(memorySource(source.read(0, source.size)));
  } finally {
    source.close();
  }
}

function decodeSource(source: ByteSource): Model {
  const reader = new Reader(source);
  const model = reader.message("Model", source.size, 0) as unknown as Model;
  if (model.graph === undefined) {
    throw new AssayError(
      "INVALID_MODEL",
      source.size === 0
        ? "The model is empty: 0 bytes."
        : "This is not an ONNX model: it has no graph. Give a file written by an ONNX exporter.",
      { size: source.size },
    );
  }
  return model;
}

class Reader {
  private readonly source: ByteSource;
  private window: Uint8Array;
  private view: DataView;
  /** Position in the source of the window's first byte. */
  private base = 0;
  /** Position in the source of the next byte. */
  private position = 0;
  private messagesLeft: number;

  constructor(source: ByteSource) {
    this.source = source;
    this.window = source.file === undefined ? source.read(0, source.size) : new Uint8Array(0);
    this.view = viewOf(this.window);
    // Each message costs some 150 bytes of heap, so that a hostile file cannot grow more than fourfold.
    this.messagesLeft = 300_000 + Math.floor(source.size / 32);
  }

  message(name: MessageName, end: number, depth: number): Record<string, unknown> {
    if (depth > MAX_DEPTH) throw tooLarge(`nests messages more than ${MAX_DEPTH} deep`, this.position);
    if (this.messagesLeft-- <= 0) throw tooLarge("holds too many messages for its size", this.position);
    const start = this.position;
    const fields = rows[name];
    const result: Record<string, unknown> = {};
    for (const field of schema[name]) {
      if (field.many) result[field.name] = [];
      else if (field.required) result[field.name] = "";
    }
    let unknown: Uint8Array[] | undefined;
    while (this.position < end) {
      const at = this.position;
      const tag = this.count(end);
      const field = fields.get(tag >>> 3);
      const wire = tag & 7;
      if (tag >>> 3 === 0) throw this.invalid("has a field numbered 0", at);
      if (field === undefined) {
        this.skip(wire, end, at);
        unknown ??= [];
        unknown.push(this.slice(at, this.position));
      } else this.field(result, field, wire, end, depth, at);
    }
    if (this.position !== end) throw this.invalid("has a field that runs over its end", this.position);
    for (const field of schema[name]) {
      const make = typed[field.kind];
      const values = result[field.name];
      if (make !== undefined && Array.isArray(values)) result[field.name] = make(values as never[]);
    }
    if (unknown) result["unknown"] = unknown;
    if (this.source.file === undefined) origin.set(result, { source: this.source, start, end });
    return result;
  }

  private field(
    result: Record<string, unknown>,
    field: Field,
    wire: number,
    end: number,
    depth: number,
    at: number,
  ): void {
    const { kind, name } = field;
    if (kind === "int") {
      if (wire !== 0) throw this.wrongWire(field, wire, at);
      result[name] = this.integer(end);
    } else if (kind === "float") {
      if (wire !== 5) throw this.wrongWire(field, wire, at);
      result[name] = this.float(end);
    } else if (wire === 2) {
      const length = this.count(end);
      if (length > end - this.position) throw this.truncated(name, length, end);
      const stop = this.position + length;
      const value = this.delimited(field, result[name], stop, depth);
      if (field.many && kind !== "floats" && kind !== "ints") (result[name] as unknown[]).push(value);
      else if (kind in rows && result[name] !== undefined) {
        // protobuf would merge the two; a reader that takes the last would audit another model than it runs.
        throw this.invalid(`has ${name} twice in one message`, at);
      } else result[name] = value;
    } else this.unpacked(result, field, wire, end, at);
  }

  private delimited(field: Field, before: unknown, stop: number, depth: number): unknown {
    switch (field.kind) {
      case "string":
        return this.text(stop);
      case "bytes": {
        const length = stop - this.position;
        if (this.source.file !== undefined && length > SPAN_BYTES) {
          const span = { file: this.source.file, offset: this.position, length };
          this.position = stop;
          return span;
        }
        const start = this.position;
        this.position = stop;
        return this.slice(start, stop);
      }
      case "ints": {
        const values = before as Integer[];
        while (this.position < stop) values.push(this.integer(stop));
        return values;
      }
      case "floats": {
        const values = before as number[];
        while (this.position < stop) values.push(this.float(stop));
        return values;
      }
      case "float32s":
        return this.fixed(stop, before, 4);
      case "float64s":
        return this.fixed(stop, before, 8);
      case "int32s":
      case "int64s":
      case "uint64s": {
        const values = (before as (number | bigint)[] | undefined) ?? [];
        while (this.position < stop) {
          const value = BigInt(this.integer(stop));
          values.push(field.kind === "int32s" ? Number(BigInt.asIntN(32, value)) : value);
        }
        return values;
      }
      default:
        return this.message(field.kind as MessageName, stop, depth + 1);
    }
  }

  /** A repeated number written one by one, which protobuf allows for packed fields and the reverse. */
  private unpacked(
    result: Record<string, unknown>,
    field: Field,
    wire: number,
    end: number,
    at: number,
  ): void {
    const expected = { ints: 0, int32s: 0, int64s: 0, uint64s: 0, floats: 5, float32s: 5, float64s: 1 };
    if (expected[field.kind as keyof typeof expected] !== wire) throw this.wrongWire(field, wire, at);
    if (field.kind === "ints") (result[field.name] as Integer[]).push(this.integer(end));
    else if (field.kind === "floats") {
      (result[field.name] as number[]).push(this.float(end));
    } else {
      const width = { 0: 0, 5: 4, 1: 8 }[wire as 0 | 1 | 5];
      const start = this.position;
      if (width === 0) this.integer(end);
      else this.take(width, end);
      const stop = this.position;
      this.position = start;
      result[field.name] = this.delimited(field, result[field.name], stop, 0);
    }
  }

  private fixed(stop: number, before: unknown, width: 4 | 8): Float32Array | Float64Array | number[] {
    const start = this.position;
    const bytes = stop - start;
    if (bytes % width !== 0)
      throw this.invalid(`has ${bytes} bytes of floats, no multiple of ${width}`, start);
    this.position = stop;
    const copy = this.slice(start, stop).slice().buffer;
    const values = width === 4 ? new Float32Array(copy) : new Float64Array(copy);
    if (before === undefined && values.length > 1) return values;
    const all = Array.isArray(before) ? before : Array.from((before as Float32Array | undefined) ?? []);
    for (const value of values) all.push(value);
    return all;
  }

  private text(stop: number): string {
    const bytes = this.slice(this.position, stop);
    const at = this.position;
    this.position = stop;
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.invalid("has a name that is not UTF-8", at);
    }
  }

  private float(end: number): number {
    // First the place: taking it may load another window.
    const at = this.take(4, end);
    return this.view.getFloat32(at, true);
  }

  /** A varint that counts something: at most 2^53. */
  private count(end: number): number {
    const value = this.integer(end);
    if (typeof value === "bigint" || value < 0) throw this.invalid("has an impossible length", this.position);
    return value;
  }

  private integer(end: number): Integer {
    const start = this.position;
    const offset = start - this.base;
    // Almost every varint is one or two bytes.
    if (start + 2 <= end && offset + 2 <= this.window.length) {
      const first = this.window[offset]!;
      if (first < 128) {
        this.position = start + 1;
        return first;
      }
      const second = this.window[offset + 1]!;
      if (second < 128) {
        this.position = start + 2;
        return (first & 127) | (second << 7);
      }
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const at = this.take(1, end);
      const byte = this.window[at]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const signed = BigInt.asIntN(64, value);
        const number = Number(signed);
        return Number.isSafeInteger(number) ? number : signed;
      }
    }
    throw this.invalid("has a number longer than 10 bytes", start);
  }

  private skip(wire: number, end: number, at: number): void {
    if (wire === 0) this.integer(end);
    else if (wire === 1) this.take(8, end);
    else if (wire === 5) this.take(4, end);
    else if (wire === 2) {
      const length = this.count(end);
      if (length > end - this.position) throw this.truncated("unknown field", length, end);
      this.position += length;
    } else throw this.invalid(`has an unknown wire type ${wire}`, at);
  }

  /** Moves over `width` bytes and returns their place in the window. */
  private take(width: number, end: number): number {
    if (width > end - this.position) throw this.truncated("number", width, end);
    this.load(this.position, this.position + width);
    const offset = this.position - this.base;
    this.position += width;
    return offset;
  }

  private slice(start: number, end: number): Uint8Array {
    this.load(start, end);
    return this.window.subarray(start - this.base, end - this.base);
  }

  private load(start: number, end: number): void {
    if (start >= this.base && end <= this.base + this.window.length) return;
    this.base = start;
    this.window = this.source.read(start, Math.min(this.source.size, Math.max(end, start + WINDOW_BYTES)));
    this.view = viewOf(this.window);
  }

  private truncated(what: string, length: number, end: number): AssayError {
    const missing = length - (end - this.position);
    return this.invalid(`ends inside ${what}: ${missing} bytes are missing`, this.position);
  }

  private wrongWire(field: Field, wire: number, at: number): AssayError {
    return this.invalid(`has wire type ${wire} for ${field.name}`, at);
  }

  private invalid(what: string, at: number): AssayError {
    return new AssayError(
      "INVALID_MODEL",
      `This is not a whole ONNX model: it ${what} (byte ${at} of ${this.source.size}).`,
      { offset: at, size: this.source.size },
    );
  }
}

/** Number arrays are gathered as plain arrays while a message is read. */
const typed: Partial<Record<string, (values: never[]) => unknown>> = {
  float32s: (values) => Float32Array.from(values),
  float64s: (values) => Float64Array.from(values),
  int32s: (values) => Int32Array.from(values),
  int64s: (values) => BigInt64Array.from(values),
  uint64s: (values) => BigUint64Array.from(values),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const tooLarge = (what: string, at: number): AssayError =>
  new AssayError("TOO_LARGE", `The model ${what} (byte ${at}).`, { offset: at });

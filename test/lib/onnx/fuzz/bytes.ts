/** Mutations that damage the bytes of a file. */
import type { Generator } from "../../../../lib/random/index.js";
import { lengthFields, varintBytes } from "./wire.js";

/** Damages a file; `other` is a second one to take pieces from. */
export type ByteMutation = (bytes: Uint8Array, other: Uint8Array, random: Generator) => Uint8Array;

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const replaced = (bytes: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, start), piece, bytes.subarray(end));

/** A stretch of at most `longest` bytes. */
function stretch(bytes: Uint8Array, random: Generator, longest = 2000): { start: number; end: number } {
  const start = random.integer(bytes.length);
  return { start, end: Math.min(bytes.length, start + 1 + random.integer(longest)) };
}

const LENGTHS = [
  0n,
  1n,
  127n,
  128n,
  65_536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12];

/** All mutations of bytes, by name. */
export const byteMutations: Readonly<Record<string, ByteMutation>> = {
  truncate: (bytes, _, random) => bytes.slice(0, random.integer(bytes.length)),
  "flip bits": (bytes, _, random) => {
    const copy = bytes.slice();
    for (let i = 1 + random.integer(8); i > 0; i--)
      copy[random.integer(copy.length)]! ^= 1 << random.integer(8);
    return copy;
  },
  "flip a bit near the start": (bytes, _, random) => {
    const copy = bytes.slice();
    copy[random.integer(Math.min(64, copy.length))]! ^= 1 << random.integer(8);
    return copy;
  },
  "overwrite bytes": (bytes, _, random) => {
    const copy = bytes.slice();
    const { start, end } = stretch(copy, random, 8);
    copy.fill(BYTES[random.integer(BYTES.length)]!, start, end);
    return copy;
  },
  splice: (bytes, other, random) => {
    const here = stretch(bytes, random);
    const there = stretch(other, random);
    return replaced(bytes, here.start, here.end, other.subarray(there.start, there.end));
  },
  "duplicate a chunk": (bytes, _, random) => {
    const { start, end } = stretch(bytes, random);
    const at = random.integer(bytes.length);
    return replaced(bytes, at, at, bytes.subarray(start, end));
  },
  "delete a chunk": (bytes, _, random) => {
    const { start, end } = stretch(bytes, random);
    return replaced(bytes, start, end, new Uint8Array(0));
  },
  "duplicate a field": (bytes, _, random) => {
    const fields = lengthFields(bytes, 0);
    const field = fields[random.integer(fields.length)];
    if (!field) return bytes;
    // With the tag byte before it; repeated scalar messages merge, repeated lists grow.
    return concat(bytes, bytes.subarray(field.lengthAt - 1, field.end));
  },
  "edit a length": (bytes, _, random) => {
    const fields = lengthFields(bytes);
    const field = fields[random.integer(fields.length)];
    if (!field) return bytes;
    const { lengthAt, lengthSize, start, end } = field;
    const near = BigInt(end - start) + BigInt(random.integer(5) - 2);
    const length = random.uniform() < 0.5 ? near : LENGTHS[random.integer(LENGTHS.length)]!;
    return replaced(bytes, lengthAt, lengthAt + lengthSize, varintBytes(length));
  },
  "exchange two fields": (bytes, _, random) => {
    const fields = lengthFields(bytes);
    if (fields.length === 0) return bytes;
    const [a, b] = [fields[random.integer(fields.length)]!, fields[random.integer(fields.length)]!];
    const piece = bytes.subarray(b.start, b.end);
    return concat(
      bytes.subarray(0, a.lengthAt),
      varintBytes(BigInt(piece.length)),
      piece,
      bytes.subarray(a.end),
    );
  },
  "nest deeply": (bytes, _, random) => {
    // graph (field 7) { node (1) { attribute (5) { g (6) { node … } } } }, thousands of times.
    const depth = 10 ** (1 + random.integer(4));
    let inner = Uint8Array.of();
    const wrap = (tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> =>
      Uint8Array.from([tag, ...varintBytes(BigInt(body.length)), ...body]);
    for (let i = 0; i < Math.min(depth, 300); i++) inner = wrap(0x0a, wrap(0x2a, wrap(0x32, inner)));
    return concat(bytes, wrap(0x3a, inner));
  },
};

/** Just enough of the protobuf wire format to find the fields of a message, for damaging them. */

/** A field with a length: where its length varint lies, and its contents. */
export interface LengthField {
  readonly lengthAt: number;
  readonly lengthSize: number;
  readonly start: number;
  readonly end: number;
}

/** Reads a varint; undefined when it runs off the end. */
function varint(bytes: Uint8Array, at: number): { value: number; size: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, size: i + 1 };
  }
  return undefined;
}

/** The bytes of a varint. */
export function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/**
 * Every length-delimited field, down to `depth` levels. What is text or raw data may also parse as fields;
 * damage there is as welcome as elsewhere.
 */
export function lengthFields(bytes: Uint8Array, depth = 6, from = 0, to = bytes.length): LengthField[] {
  const found: LengthField[] = [];
  let at = from;
  while (at < to && found.length < 4000) {
    const tag = varint(bytes, at);
    if (!tag) break;
    at += tag.size;
    const wire = tag.value & 7;
    if (wire === 0) {
      const value = varint(bytes, at);
      if (!value) break;
      at += value.size;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint(bytes, at);
      if (!length || at + length.size + length.value > to) break;
      const start = at + length.size;
      const end = start + length.value;
      found.push({ lengthAt: at, lengthSize: length.size, start, end });
      if (depth > 0 && length.value < 5000) found.push(...lengthFields(bytes, depth - 1, start, end));
      at = end;
    } else break;
  }
  return found;
}

/** Frames on the pipes between supervisor and session: a JSON head and binary parts, each with its length. */

/** One frame: what it is, and bytes that are handed on without being parsed. */
export interface Frame<Head> {
  readonly head: Head;
  readonly parts: readonly Uint8Array[];
}

const WORD = 4;

/** Lays out a frame: length of the head, number of parts, length of each part, head, parts. */
export function encodeFrame(head: unknown, parts: readonly Uint8Array[] = []): Buffer {
  const text = JSON.stringify(head);
  const headLength = Buffer.byteLength(text);
  const prefix = WORD * (2 + parts.length);
  const size = parts.reduce((sum, part) => sum + part.byteLength, prefix + headLength);
  const frame = Buffer.allocUnsafe(size);
  frame.writeUInt32LE(headLength, 0);
  frame.writeUInt32LE(parts.length, WORD);
  for (const [index, part] of parts.entries()) frame.writeUInt32LE(part.byteLength, WORD * (2 + index));
  frame.write(text, prefix);
  let offset = prefix + headLength;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.byteLength;
  }
  return frame;
}

/** Cuts a byte stream back into frames, whatever its chunks are. */
export class FrameReader<Head> {
  #chunks: Buffer[] = [];
  #size = 0;

  /** Takes the next chunk; returns the frames that it completed. */
  push(chunk: Buffer): Frame<Head>[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame<Head>[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame<Head> | undefined {
    if (this.#size < 2 * WORD) return undefined;
    const start = this.#peek(2 * WORD);
    const headLength = start.readUInt32LE(0);
    const count = start.readUInt32LE(WORD);
    const prefix = WORD * (2 + count);
    if (this.#size < prefix) return undefined;
    const lengths = this.#peek(prefix);
    let total = prefix + headLength;
    for (let index = 0; index < count; index++) total += lengths.readUInt32LE(WORD * (2 + index));
    if (this.#size < total) return undefined;
    return this.#cut(this.#peek(total), headLength, count, total);
  }

  #cut(bytes: Buffer, headLength: number, count: number, total: number): Frame<Head> {
    const prefix = WORD * (2 + count);
    const head = JSON.parse(bytes.toString("utf8", prefix, prefix + headLength)) as Head;
    const parts: Buffer[] = [];
    let offset = prefix + headLength;
    for (let index = 0; index < count; index++) {
      const length = bytes.readUInt32LE(WORD * (2 + index));
      parts.push(bytes.subarray(offset, offset + length));
      offset += length;
    }
    this.#chunks[0] = this.#chunks[0]!.subarray(total);
    if (this.#chunks[0].length === 0) this.#chunks.shift();
    this.#size -= total;
    return { head, parts };
  }

  /** The first chunk, joined with as many others as are needed for `size` bytes. */
  #peek(size: number): Buffer {
    if (this.#chunks[0]!.length < size) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }
}

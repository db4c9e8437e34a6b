/** Reading one file out of an npm tarball. */
import { gunzipSync } from "node:zlib";

const BLOCK = 512;

const textAt = (block: Buffer, offset: number, length: number): string =>
  block.toString("utf8", offset, offset + length).replace(/\0.*$/s, "");

/** The bytes of `path` in a gzipped tar archive, or undefined. Reads plain ustar entries, as npm writes them. */
export function fileInTarball(archive: Buffer, path: string): Buffer | undefined {
  const tar = gunzipSync(archive);
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(textAt(header, 124, 12), 8) || 0;
    const prefix = textAt(header, 345, 155);
    const name = `${prefix === "" ? "" : `${prefix}/`}${textAt(header, 0, 100)}`;
    if (name === path) return tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

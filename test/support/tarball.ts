/** Reading files out of npm tarballs. */
import { gunzipSync } from "node:zlib";

const BLOCK = 512;

const textAt = (block: Buffer, offset: number, length: number): string =>
  block.toString("utf8", offset, offset + length).replace(/\0.*$/s, "");

/** A file in an archive. */
export interface ArchivedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The files in a gzipped tar archive. Reads plain ustar entries, as npm writes them. */
export function* filesInTarball(archive: Buffer): Iterable<ArchivedFile> {
  const tar = gunzipSync(archive);
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(textAt(header, 124, 12), 8) || 0;
    const prefix = textAt(header, 345, 155);
    const path = `${prefix === "" ? "" : `${prefix}/`}${textAt(header, 0, 100)}`;
    yield { path, bytes: tar.subarray(at + BLOCK, at + BLOCK + size) };
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** The bytes of `path` in a gzipped tar archive, or undefined. */
export function fileInTarball(archive: Buffer, path: string): Buffer | undefined {
  for (const file of filesInTarball(archive)) if (file.path === path) return file.bytes;
  return undefined;
}

/** Files of an npm package as `npm pack` fetches it: a gzipped tar archive, or the folder it unpacks to. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { AssayError } from "../errors.js";

const BLOCK = 512;
const MAX_BYTES = 1024 ** 3;

/**
 * The files of a package below `folder`, by their path in the package, in the order of their names.
 *
 * @param path The `.tgz` file, or a folder that holds the package's own files.
 * @throws AssayError FILE_NOT_FOUND, which says how to fetch it; INVALID_FILE if it is no archive.
 */
export function filesOfPackage(path: string, folder: string, name: string): Map<string, Buffer> {
  if (!existsSync(path)) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `"${path}" does not exist. Fetch it with "npm pack ${name}" and name the file or the unpacked folder.`,
      { path, name },
    );
  }
  const all = statSync(path).isDirectory()
    ? filesBelow(path, folder)
    : unpack(readFileSync(path), folder, path);
  const files = new Map([...all].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  if (files.size > 0) return files;
  throw new AssayError(
    "INVALID_FILE",
    `"${path}" holds no files in ${folder}; expected the package ${name}.`,
    {
      path,
      name,
    },
  );
}

function filesBelow(path: string, folder: string): Map<string, Buffer> {
  const root = join(path, folder);
  if (!existsSync(root)) return new Map();
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const full = join(entry.parentPath, entry.name);
      return [full.slice(path.length).replace(/^\/+/, ""), readFileSync(full)];
    }),
  );
}

function unpack(archive: Buffer, folder: string, path: string): Map<string, Buffer> {
  let tar: Buffer;
  try {
    tar = gunzipSync(archive, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    throw new AssayError(
      "INVALID_FILE",
      `"${path}" is not a package: it does not unzip.`,
      { path },
      { cause },
    );
  }
  const text = (at: number, length: number): string =>
    tar.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0;
    const prefix = text(at + 345, 155);
    // npm puts everything into a folder "package".
    const name = `${prefix === "" ? "" : `${prefix}/`}${text(at, 100)}`.replace(/^[^/]+\//, "");
    const isFile = tar[at + 156] === 0x30 || tar[at + 156] === 0;
    if (isFile && name.startsWith(`${folder}/`)) files.set(name, tar.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

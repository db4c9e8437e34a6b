/** Lock files: what a notebook's results rest on, by hash and version, so that a change does not go unseen. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { AssayError } from "../../lib/errors.js";
import { hole, literalsOf } from "./literals.js";
import { readNotebook } from "./read.js";
import { sourceHash } from "./run-record.js";
import { isCode, type Notebook } from "./types.js";
import { writeAtomically } from "./write.js";

/** What stands in `NAME.lock.json`. Paths are relative to the notebook's folder. */
export interface NotebookLock {
  readonly kind: "notebook-lock";
  readonly format: 1;
  readonly notebook: { readonly file: string; readonly sha256: string };
  /** Files that the code names: models, data, modules. */
  readonly files: readonly LockedFile[];
  /** The package manager's own lock file, if there is one in a folder above. */
  readonly packages: LockedFile | null;
  readonly versions: Readonly<Record<string, string>>;
}

export interface LockedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The lock file of a notebook. */
export const lockFileOf = (file: string): string =>
  join(dirname(file), `${basename(file, ".ipynb")}.lock.json`);

/**
 * Measures everything that a notebook's results rest on.
 *
 * Files are found by the paths that stand as literals in its code, relative to its folder; a template's holes
 * match any part of a file's name. A path that is put together otherwise is not seen. The notebook counts with its sources and tags, not with its outputs.
 */
export async function measure(file: string): Promise<NotebookLock> {
  const notebook = await readNotebook(file);
  const folder = realpathSync(dirname(resolve(file)));
  const packages = packageLockAbove(folder);
  return {
    kind: "notebook-lock",
    format: 1,
    notebook: { file: basename(file), sha256: sourceHash(notebook, "") },
    files: await Promise.all(filesNamed(notebook, folder).map((path) => hashFile(path, folder))),
    packages: packages === undefined ? null : await hashFile(packages, folder),
    versions: versions(),
  };
}

/** Writes the lock file beside the notebook. */
export const writeLock = (file: string, lock: NotebookLock): Promise<void> =>
  writeAtomically(lockFileOf(file), `${JSON.stringify(lock, null, 1)}\n`);

/**
 * Reads the lock file beside a notebook.
 *
 * @returns undefined if there is none.
 * @throws AssayError INVALID_FILE if it is no lock file of ours.
 */
export async function readLock(file: string): Promise<NotebookLock | undefined> {
  const path = lockFileOf(file);
  if (!existsSync(path)) return undefined;
  const lock = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as unknown)
    .catch(() => undefined);
  if (!isLock(lock)) {
    throw new AssayError(
      "INVALID_FILE",
      `${path}: not a lock file of this version. Delete it and lock again.`,
      { path },
    );
  }
  return lock;
}

/** What differs between two locks, one sentence each; empty if nothing does. */
export function differences(locked: NotebookLock, now: NotebookLock): string[] {
  const found: string[] = [];
  if (locked.notebook.sha256 !== now.notebook.sha256) found.push("the notebook's cells have changed");
  const listed = (lock: NotebookLock) =>
    new Map([...lock.files, ...(lock.packages ? [lock.packages] : [])].map((one) => [one.path, one]));
  const [before, after] = [listed(locked), listed(now)];
  for (const [path, { sha256, bytes }] of before) {
    const present = after.get(path);
    if (!present) found.push(`${path} is gone or no longer named`);
    else if (present.sha256 !== sha256)
      found.push(`${path} has changed (${bytes} bytes locked, ${present.bytes} now)`);
  }
  for (const path of after.keys()) if (!before.has(path)) found.push(`${path} is new`);
  for (const name of new Set([...Object.keys(locked.versions), ...Object.keys(now.versions)])) {
    const [was, is] = [locked.versions[name] ?? "none", now.versions[name] ?? "none"];
    if (was !== is) found.push(`${name} is ${is}, locked was ${was}`);
  }
  return found;
}

function isLock(value: unknown): value is NotebookLock {
  if (typeof value !== "object" || value === null) return false;
  const { kind, format, notebook, files, versions } = value as Partial<NotebookLock>;
  return (
    kind === "notebook-lock" &&
    format === 1 &&
    typeof notebook?.sha256 === "string" &&
    Array.isArray(files) &&
    files.every((one) => typeof one?.path === "string" && typeof one.sha256 === "string") &&
    typeof versions === "object" &&
    versions !== null
  );
}

function filesNamed(notebook: Notebook, folder: string): string[] {
  const found = new Set<string>();
  for (const cell of notebook.cells.filter(isCode)) {
    for (const literal of literalsOf(cell.source)) {
      if (literal.length > 1000 || /^[a-z][a-z+.-]+:/i.test(literal)) continue;
      for (const path of literal.includes(hole) ? matching(literal, folder) : [resolve(folder, literal)]) {
        // Weights too large for a model's own file lie beside it.
        for (const candidate of [path, ...(path.endsWith(".onnx") ? [`${path}.data`, `${path}_data`] : [])]) {
          if (statSync(candidate, { throwIfNoEntry: false })?.isFile()) found.add(candidate);
        }
      }
    }
  }
  return [...found].sort();
}

/** Files that a template such as `models/clean-${i}.onnx` can mean; holes stand for parts of a file's name only. */
function matching(template: string, folder: string): string[] {
  const slash = template.lastIndexOf("/");
  const [place, name] = [template.slice(0, slash + 1), template.slice(slash + 1)];
  const fixed = name.replaceAll(hole, "");
  if (place.includes(hole) || fixed.length < 3) return [];
  const parts = name.split(hole).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".+")}$`);
  const directory = resolve(folder, place);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory)
    .filter((file) => pattern.test(file))
    .map((file) => join(directory, file));
}

function packageLockAbove(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    for (const name of ["package-lock.json", "pnpm-lock.yaml", "yarn.lock"]) {
      if (existsSync(join(at, name))) return join(at, name);
    }
    if (dirname(at) === at) return undefined;
  }
}

async function hashFile(path: string, folder: string): Promise<LockedFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { path: relative(folder, path).split(sep).join("/"), bytes, sha256: hash.digest("hex") };
}

function versions(): Record<string, string> {
  const file = new URL("../../../package.json", import.meta.url);
  const { version, dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const runtime = dependencies["onnxruntime-node"];
  return {
    assay: version,
    node: process.versions.node,
    ...(runtime !== undefined && { "onnxruntime-node": runtime }),
  };
}

/** Changes to files: save, create, copy, rename, delete. Nothing is ever half written. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, cp, lstat, mkdir, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { formatNotebook, writeAtomically } from "../../notebook/write.js";
import { HttpError } from "../http.js";
import { type Folder, nameOf, normalize } from "./folder.js";
import { aboutFile, type ContentFormat, type ContentType } from "./read.js";
import type { TrustStore } from "./trust.js";

export interface SaveRequest {
  readonly type: ContentType;
  readonly format?: ContentFormat;
  readonly content?: unknown;
  /** Part of an upload: 1 begins the file, later ones append, -1 is the last. */
  readonly chunk?: number;
}

export class Writer {
  readonly #folder: Folder;
  readonly #trust: TrustStore;

  constructor(folder: Folder, trust: TrustStore) {
    this.#folder = folder;
    this.#trust = trust;
  }

  /** Writes a file or makes a folder. */
  async save(path: string, request: SaveRequest): Promise<void> {
    const file = await this.#folder.writable(path);
    if (request.type === "directory") {
      await mkdir(file, { recursive: true });
      return;
    }
    if (await isDirectory(file)) throw new HttpError(400, `"${path}" is a folder.`);
    const bytes = this.#encode(path, request);
    if (request.chunk === undefined || request.chunk === 1) await replaceFile(file, bytes);
    else await append(file, bytes);
  }

  /** Makes an empty file or folder under a name that is free, and returns its path. */
  async create(folder: string, type: ContentType, extension: string): Promise<string> {
    const directory = await this.#folder.existing(folder);
    const stem = { notebook: "Untitled", directory: "Untitled Folder", file: "untitled" }[type];
    const end = type === "notebook" ? ".ipynb" : type === "directory" ? "" : extension;
    const name = await freeName(directory, stem, end, type === "file" ? "" : " ");
    const path = normalize(`${folder}/${name}`);
    const content = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    await this.save(path, type === "notebook" ? { type, content } : { type, format: "text", content: "" });
    return path;
  }

  /** Copies a file into a folder under a name that is free, and returns its path. */
  async copy(from: string, folder: string): Promise<string> {
    const source = await this.#folder.existing(from);
    if (await isDirectory(source)) throw new HttpError(400, `"${from}" is a folder. Only files are copied.`);
    const directory = await this.#folder.existing(folder);
    const extension = extname(from);
    const stem = basename(nameOf(from), extension).replace(/-Copy\d*$/, "");
    const name = await freeName(directory, `${stem}-Copy`, extension, "", 1);
    await cp(source, join(directory, name), { errorOnExist: true, force: false });
    return normalize(`${folder}/${name}`);
  }

  /** Moves a file or folder; refuses to overwrite. */
  async rename(from: string, to: string): Promise<void> {
    const source = await this.#folder.entry(from);
    const target = await this.#folder.entry(to);
    if (normalize(from) === normalize(to)) return;
    if (!(await exists(source))) throw new HttpError(404, `There is nothing at "${from}".`);
    if (await exists(target)) throw new HttpError(409, `There is already something at "${to}".`);
    await rename(source, target);
  }

  /** Deletes a file, or a folder that is empty but for checkpoints. */
  async remove(path: string): Promise<void> {
    const file = await this.#folder.entry(path);
    if (!(await exists(file))) throw new HttpError(404, `There is nothing at "${path}".`);
    if (!(await isDirectory(file))) return unlink(file);
    const entries = (await readdir(file)).filter((name) => name !== ".ipynb_checkpoints");
    if (entries.length > 0) {
      throw new HttpError(400, `The folder "${path}" is not empty. Delete what is in it first.`);
    }
    await rm(join(file, ".ipynb_checkpoints"), { recursive: true, force: true });
    await rmdir(file);
  }

  #encode(path: string, { type, format, content }: SaveRequest): Buffer {
    if (type === "notebook") {
      return Buffer.from(formatNotebook(aboutFile(path, () => this.#trust.unmark(content))));
    }
    if (typeof content !== "string") throw new HttpError(400, `The content of "${path}" must be a string.`);
    return Buffer.from(content, format === "base64" ? "base64" : "utf8");
  }
}

/** Writes a file in one step: a crash leaves the old file or the new one. */
export async function replaceFile(file: string, bytes: Buffer): Promise<void> {
  try {
    await writeAtomically(file, bytes);
  } catch (error) {
    throw writeRefusal(error);
  }
}

/** Copies a file over another, in one step. */
export async function copyAtomically(from: string, to: string): Promise<void> {
  const temporary = join(dirname(to), `.${basename(to)}.${randomUUID()}.tmp`);
  try {
    await copyFile(from, temporary, constants.COPYFILE_FICLONE);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeRefusal(error);
  }
}

async function append(file: string, bytes: Buffer): Promise<void> {
  // A link put in the file's place since the first part must not lead the rest elsewhere.
  const flags = constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(file, flags).catch(() => {
    throw new HttpError(400, "There is no upload to continue.");
  });
  try {
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}

/** What a full disk or a protected folder means to the user. */
function writeRefusal(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new HttpError(403, `The file cannot be written: ${message}.`);
  }
  return code === "ENOSPC" ? new HttpError(507, "The file was not saved: the disk is full.") : error;
}

async function freeName(
  folder: string,
  stem: string,
  end: string,
  gap: string,
  first?: number,
): Promise<string> {
  const taken = new Set(await readdir(folder));
  if (first === undefined && !taken.has(`${stem}${end}`)) return `${stem}${end}`;
  for (let index = first ?? 1; ; index += 1) {
    const name = `${stem}${gap}${index}${end}`;
    if (!taken.has(name)) return name;
  }
}

const exists = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );

const isDirectory = (file: string): Promise<boolean> =>
  lstat(file).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

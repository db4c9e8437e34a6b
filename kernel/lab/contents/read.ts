/** Files and folders as the contents API describes them. */
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../../lib/errors.js";
import { parseNotebook } from "../../notebook/read.js";
import type { Notebook } from "../../notebook/types.js";
import { HttpError } from "../http.js";
import { type Folder, nameOf, normalize } from "./folder.js";
import { mimeTypeOf } from "./mime.js";
import type { TrustStore } from "./trust.js";

export type ContentType = "notebook" | "file" | "directory";
export type ContentFormat = "json" | "text" | "base64";

/** A file or folder; `content` and `format` are null when the content was not asked for. */
export interface ContentModel {
  readonly name: string;
  readonly path: string;
  readonly type: ContentType;
  readonly created: string;
  readonly last_modified: string;
  readonly writable: boolean;
  readonly size: number | null;
  readonly mimetype: string | null;
  readonly content: unknown;
  readonly format: ContentFormat | null;
  readonly hash: string | null;
  readonly hash_algorithm: "sha256" | null;
}

export interface ReadOptions {
  readonly type?: ContentType;
  readonly format?: ContentFormat;
  readonly content: boolean;
  readonly hash: boolean;
}

/** Reads what is at a path. */
export class Reader {
  readonly #folder: Folder;
  readonly #trust: TrustStore;
  readonly #isReadOnly: boolean;

  constructor(folder: Folder, trust: TrustStore, isReadOnly: boolean) {
    this.#folder = folder;
    this.#trust = trust;
    this.#isReadOnly = isReadOnly;
  }

  /** @throws AssayError FILE_NOT_FOUND, INVALID_NOTEBOOK; HttpError 400 if it is of another type. */
  async read(path: string, { type, format, content, hash }: ReadOptions): Promise<ContentModel> {
    const file = await this.#folder.existing(path);
    const stats = await stat(file);
    const found = typeOf(path, stats);
    if ((type === "directory") !== (found === "directory") && type !== undefined) {
      throw new HttpError(400, `"${path}" is ${found === "directory" ? "a folder" : "not a folder"}.`);
    }
    const model = await this.#describe(path, file, stats, found === "directory" ? found : (type ?? found));
    if (found === "directory") {
      return content ? { ...model, format: "json", content: await this.#list(path, file) } : model;
    }
    const bytes = content || hash ? await readFile(file) : undefined;
    const hashed = hash ? ({ hash: sha256(bytes!), hash_algorithm: "sha256" } as const) : {};
    if (!content) return { ...model, ...hashed };
    return { ...model, ...hashed, ...this.#decode(path, bytes!, model.type, format) };
  }

  #decode(path: string, bytes: Buffer, type: ContentType, format: ContentFormat | undefined) {
    if (type === "notebook")
      return { format: "json", content: this.#notebook(path, bytes), mimetype: null } as const;
    const text = format === "base64" ? undefined : asText(bytes);
    if (text !== undefined) {
      return { format: "text", content: text, mimetype: mimeTypeOf(path) ?? "text/plain" } as const;
    }
    if (format === "text") throw new HttpError(400, `"${path}" is not UTF-8 text.`);
    const mimetype = mimeTypeOf(path) ?? "application/octet-stream";
    return { format: "base64", content: bytes.toString("base64"), mimetype } as const;
  }

  #notebook(path: string, bytes: Buffer): Notebook {
    return this.#trust.mark(aboutFile(path, () => parseNotebook(bytes.toString("utf8"))));
  }

  async #list(path: string, folder: string): Promise<readonly ContentModel[]> {
    const entries = await readdir(folder);
    const models = await Promise.all(
      entries
        .filter((name) => !name.startsWith("."))
        .map(async (name) => {
          const inner = normalize(`${path}/${name}`);
          try {
            // A link that leads outside, or nowhere, is not shown.
            const file = await this.#folder.existing(inner);
            const stats = await stat(file);
            return stats.isFile() || stats.isDirectory()
              ? await this.#describe(inner, join(folder, name), stats, typeOf(inner, stats))
              : undefined;
          } catch {
            return undefined;
          }
        }),
    );
    return models.filter((model) => model !== undefined);
  }

  async #describe(path: string, file: string, stats: Stats, type: ContentType): Promise<ContentModel> {
    return {
      name: nameOf(path),
      path: normalize(path),
      type,
      created: stats.birthtime.toISOString(),
      last_modified: stats.mtime.toISOString(),
      writable: !this.#isReadOnly && (await isWritable(file)),
      size: type === "directory" ? null : stats.size,
      mimetype: null,
      content: null,
      format: null,
      hash: null,
      hash_algorithm: null,
    };
  }
}

const typeOf = (path: string, stats: Stats): ContentType =>
  stats.isDirectory() ? "directory" : path.endsWith(".ipynb") ? "notebook" : "file";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function isWritable(file: string): Promise<boolean> {
  try {
    await access(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The bytes as text if they are UTF-8 without null characters, which no text file has. */
function asText(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Says in the message of a notebook's error which file it is about. */
export function aboutFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const details = { ...error.details, path };
    throw new AssayError(error.code, `"${path}": ${error.message}`, details, { cause: error });
  }
}

/** One checkpoint for each file, kept where Jupyter keeps it: `.ipynb_checkpoints` beside the file. */
import { mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { HttpError } from "../http.js";
import type { Folder } from "./folder.js";
import { copyAtomically } from "./write.js";

export interface Checkpoint {
  readonly id: string;
  readonly last_modified: string;
}

/** The id of the only checkpoint that a file has. */
const onlyId = "checkpoint";

export class Checkpoints {
  readonly #folder: Folder;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  async list(path: string): Promise<readonly Checkpoint[]> {
    const { checkpoint } = await this.#files(path);
    const stats = await stat(checkpoint).catch(() => undefined);
    return stats ? [{ id: onlyId, last_modified: stats.mtime.toISOString() }] : [];
  }

  async create(path: string): Promise<Checkpoint> {
    const { file, checkpoint } = await this.#files(path);
    await mkdir(dirname(checkpoint), { recursive: true });
    if ((await realpath(dirname(checkpoint))) !== dirname(checkpoint)) {
      throw new HttpError(403, "The folder of the checkpoints is a link.");
    }
    await copyAtomically(file, checkpoint);
    return { id: onlyId, last_modified: new Date().toISOString() };
  }

  async restore(path: string, id: string): Promise<void> {
    const { file, checkpoint } = await this.#found(path, id);
    await copyAtomically(checkpoint, file);
  }

  async remove(path: string, id: string): Promise<void> {
    const { checkpoint } = await this.#found(path, id);
    await rm(checkpoint);
  }

  /** Lets the checkpoint follow a file that was renamed, from its old real path to its new one. */
  static async follow(from: string, to: string): Promise<void> {
    const target = checkpointOf(to);
    try {
      await stat(checkpointOf(from));
      await mkdir(dirname(target), { recursive: true });
      await rename(checkpointOf(from), target);
    } catch {
      // No checkpoint to follow.
    }
  }

  async #found(path: string, id: string) {
    const files = await this.#files(path);
    const exists = await stat(files.checkpoint).catch(() => undefined);
    if (id !== onlyId || !exists) throw new HttpError(404, `"${path}" has no checkpoint "${id}".`);
    return files;
  }

  async #files(path: string): Promise<{ readonly file: string; readonly checkpoint: string }> {
    const file = await this.#folder.existing(path);
    return { file, checkpoint: checkpointOf(file) };
  }
}

function checkpointOf(file: string): string {
  const extension = extname(file);
  return join(dirname(file), ".ipynb_checkpoints", `${basename(file, extension)}-checkpoint${extension}`);
}

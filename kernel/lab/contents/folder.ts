/**
 * The folder that the lab shows: turns paths of the API into paths of the disk and lets none out.
 *
 * A path is checked after its symbolic links are resolved, so that neither `..` nor a link inside the folder
 * leads to anything outside it. Hidden files (a name that begins with a dot) do not exist for the API.
 */
import { realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { AssayError } from "../../../lib/errors.js";

export class Folder {
  /** The real path of the folder. */
  readonly root: string;

  /** @throws AssayError FILE_NOT_FOUND if the folder does not exist. */
  constructor(folder: string) {
    try {
      this.root = realpathSync(folder);
    } catch (error) {
      throw new AssayError(
        "FILE_NOT_FOUND",
        `lab: there is no folder ${folder}.`,
        { folder },
        { cause: error },
      );
    }
  }

  /**
   * The real path of something that exists.
   *
   * @throws AssayError FILE_NOT_FOUND, or OUTSIDE_FOLDER if the path leads out of the folder.
   */
  async existing(path: string): Promise<string> {
    const file = this.#join(path);
    try {
      return this.#inside(await realpath(file), path);
    } catch (error) {
      throw this.#notFound(error, path);
    }
  }

  /** The path of something that may not exist yet; its folder must. A link at its place is followed. */
  async writable(path: string): Promise<string> {
    const file = await this.entry(path);
    try {
      return this.#inside(await realpath(file), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return file;
      throw this.#notFound(error, path);
    }
  }

  /** The same, but a link at its place stands for itself: to move or delete it. */
  async entry(path: string): Promise<string> {
    const file = this.#join(path);
    if (normalize(path) === "") {
      throw new AssayError("INVALID_ARGUMENT", "lab: the top folder itself cannot be changed.", { path });
    }
    try {
      return join(this.#inside(await realpath(dirname(file)), path), basename(file));
    } catch (error) {
      throw this.#notFound(error, path);
    }
  }

  #join(path: string): string {
    const parts = normalize(path).split("/");
    if (
      parts.some(
        (part) => part.startsWith(".") || part.includes("\0") || (sep === "\\" && /[\\:]/.test(part)),
      )
    ) {
      throw new AssayError("OUTSIDE_FOLDER", `lab: there is nothing at "${path}".`, { path });
    }
    return join(this.root, ...parts);
  }

  #inside(real: string, path: string): string {
    const way = relative(this.root, real);
    if (way === ".." || way.startsWith(`..${sep}`) || way.includes(`:${sep}`)) {
      throw new AssayError("OUTSIDE_FOLDER", `lab: "${path}" is a link that leads out of the folder.`, {
        path,
      });
    }
    return real;
  }

  #notFound(error: unknown, path: string): AssayError {
    if (error instanceof AssayError) return error;
    return new AssayError(
      "FILE_NOT_FOUND",
      `lab: there is nothing at "${path}".`,
      { path },
      { cause: error },
    );
  }
}

/** A path of the API without leading, doubled or trailing slashes. */
export const normalize = (path: string): string => path.split("/").filter(Boolean).join("/");

/** The last segment of a path of the API. */
export const nameOf = (path: string): string => normalize(path).split("/").at(-1) ?? "";

/** The path of the API without its last segment. */
export const parentOf = (path: string): string => normalize(path).split("/").slice(0, -1).join("/");

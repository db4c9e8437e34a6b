/** Layouts of open tabs, stored for each folder that a lab was started on. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./contents/write.js";
import { HttpError, type Route, readJson } from "./http.js";

interface Workspace {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly id: string };
}

const ending = ".workspace.json";

/** The stored layouts of one folder. */
export class Workspaces {
  readonly #folder: string;

  constructor(dataFolder: string, root: string) {
    const key = createHash("sha256").update(root).digest("hex").slice(0, 16);
    this.#folder = join(dataFolder, "workspaces", key);
  }

  /** Whether a layout with this name was ever saved. */
  async has(id: string): Promise<boolean> {
    return stat(this.#file(id)).then(
      () => true,
      () => false,
    );
  }

  routes(): readonly Route[] {
    const pattern = "/lab/api/workspaces/*id";
    return [
      { method: "GET", pattern: "/lab/api/workspaces", handle: async () => ({ json: await this.#list() }) },
      { method: "GET", pattern, handle: async ({ params }) => ({ json: await this.#read(params["id"]!) }) },
      {
        method: "PUT",
        pattern,
        handle: async ({ params, request }) => {
          const { data } = await readJson(request);
          if (typeof data !== "object" || data === null)
            throw new HttpError(400, "The layout's data is missing.");
          const id = params["id"]!;
          await mkdir(this.#folder, { recursive: true });
          await replaceFile(this.#file(id), Buffer.from(JSON.stringify({ data, metadata: { id } })));
          return {};
        },
      },
      {
        method: "DELETE",
        pattern,
        handle: async ({ params }) => {
          await rm(this.#file(params["id"]!), { force: true });
          return {};
        },
      },
    ];
  }

  async #list() {
    const names = await readdir(this.#folder).catch((): string[] => []);
    const ids = names
      .filter((name) => name.endsWith(ending))
      .map((name) => decodeURIComponent(name.slice(0, -ending.length)));
    return { workspaces: { ids, values: await Promise.all(ids.map((id) => this.#read(id))) } };
  }

  /** A layout that was never saved is an empty one. */
  async #read(id: string): Promise<Workspace> {
    const file = this.#file(id);
    const text = await readFile(file, "utf8").catch(() => undefined);
    const empty: Workspace = { data: {}, metadata: { id } };
    if (text === undefined) return empty;
    try {
      const { data } = JSON.parse(text) as Workspace;
      const { mtime, birthtime } = await stat(file);
      const times = { last_modified: mtime.toISOString(), created: birthtime.toISOString() };
      return { data, metadata: { id, ...times } };
    } catch {
      // A damaged layout must not keep the notebooks from opening.
      return empty;
    }
  }

  #file(id: string): string {
    return join(this.#folder, `${encodeURIComponent(id || "default")}${ending}`);
  }
}

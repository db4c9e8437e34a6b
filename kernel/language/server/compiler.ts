/** The door to TypeScript's native service: files in memory, one snapshot at a time. */
import { API, type Checker, type Program, type Project, type Snapshot } from "typescript/unstable/async";
import { layOutProject } from "./project.js";
import type { Workspace } from "./workspace.js";

/** A program over a workspace's files, brought up to date by `refresh`. */
export class Compiler {
  readonly #api: API;
  readonly #configFile: string;
  readonly #workspace: Workspace;
  readonly #known = new Set<string>();
  #snapshot: Snapshot | null = null;

  constructor(folder: string, workspace: Workspace) {
    const project = layOutProject(folder, workspace.roots);
    this.#configFile = project.configFile;
    this.#workspace = workspace;
    const read = (file: string): string | undefined => project.files.get(file) ?? workspace.files.get(file);
    this.#api = new API({
      cwd: folder,
      fs: { readFile: read, fileExists: (file) => (read(file) === undefined ? undefined : true) },
    });
  }

  /** Takes in changed files; without any, makes sure that the program exists. */
  async refresh(changed: readonly string[] = []): Promise<void> {
    const created = [...this.#workspace.files.keys()].filter((file) => !this.#known.has(file));
    for (const file of created) this.#known.add(file);
    if (this.#snapshot === null) await this.#update({ openProjects: [this.#configFile] });
    else if (created.length > 0) await this.#update({ fileChanges: { changed: [...changed], created } });
    // One file at a time takes 2 ms; two at once, or a known file called new, take 40 to 80: TypeScript
    // then resolves every import again.
    else for (const file of changed) await this.#update({ fileChanges: { changed: [file] } });
  }

  async #update(change: Parameters<API["updateSnapshot"]>[0]): Promise<void> {
    const next = await this.#api.updateSnapshot(change);
    await this.#snapshot?.dispose();
    this.#snapshot = next;
  }

  get #project(): Project {
    const project = this.#snapshot?.getProject(this.#configFile) ?? this.#snapshot?.getProjects()[0];
    if (!project) throw new Error("the language service has no project");
    return project;
  }

  get program(): Program {
    return this.#project.program;
  }

  get checker(): Checker {
    return this.#project.checker;
  }

  async dispose(): Promise<void> {
    await this.#api.close();
  }
}

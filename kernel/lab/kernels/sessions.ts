/** Sessions: which document belongs to which kernel. One session for each path. */
import { randomUUID } from "node:crypto";
import { AssayError } from "../../../lib/errors.js";
import type { KernelModel, Kernels } from "./kernels.js";

/** A session as the Jupyter Server API describes it. */
export interface SessionModel {
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly kernel: KernelModel;
  /** The older name of `path`, which some clients still read. */
  readonly notebook: { readonly path: string; readonly name: string };
}

export interface SessionRequest {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  /** A running kernel to take; without it a new one is started. */
  readonly kernelId?: string;
}

interface Session {
  readonly id: string;
  path: string;
  name: string;
  type: string;
  kernelId: string;
}

/** All sessions. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #kernels: Kernels;
  readonly #folderOf: (path: string) => Promise<string>;

  /** @param folderOf Folder in which the kernel of a document works. */
  constructor(kernels: Kernels, folderOf: (path: string) => Promise<string>) {
    this.#kernels = kernels;
    this.#folderOf = folderOf;
  }

  list(): readonly SessionModel[] {
    this.#forgetDead();
    return [...this.#sessions.values()].map((session) => this.#model(session));
  }

  /** @throws AssayError FILE_NOT_FOUND if there is no such session. */
  get(id: string): SessionModel {
    return this.#model(this.#find(id));
  }

  /**
   * The session of the path, made if there is none. Its kernel may still be starting: the front end then keeps
   * what the user runs until the kernel's socket opens, while without a session it would drop it.
   */
  async open(request: SessionRequest): Promise<SessionModel> {
    this.#forgetDead();
    const folder = await this.#folderOf(request.path);
    // From here to the registration nothing may wait: the front end asks twice at once when it restores a page.
    let session = [...this.#sessions.values()].find(({ path }) => path === request.path);
    if (!session) {
      const { path, name, type, kernelId } = request;
      const kernel =
        kernelId === undefined ? this.#kernels.start({ cwd: folder }) : this.#kernels.get(kernelId);
      session = { id: randomUUID(), path, name, type, kernelId: kernel.id };
      this.#sessions.set(session.id, session);
    }
    return this.#model(session);
  }

  /** Renames the document or changes its kernel; the kernel that is left without a session is ended. */
  async change(
    id: string,
    { path, name, type, kernelId, newKernel }: Partial<SessionRequest> & { readonly newKernel?: boolean },
  ): Promise<SessionModel> {
    const session = this.#find(id);
    if (path !== undefined) session.path = path;
    if (name !== undefined) session.name = name;
    if (type !== undefined) session.type = type;
    const before = session.kernelId;
    if (kernelId !== undefined && kernelId !== before) session.kernelId = this.#kernels.get(kernelId).id;
    else if (newKernel) {
      session.kernelId = this.#kernels.start({ cwd: await this.#folderOf(session.path) }).id;
    }
    const isUsed = [...this.#sessions.values()].some((other) => other.kernelId === before);
    if (!isUsed && this.#kernels.has(before)) await this.#kernels.shutdown(before);
    return this.#model(session);
  }

  /** Ends the session and its kernel. */
  async close(id: string): Promise<void> {
    const { kernelId } = this.#find(id);
    this.#sessions.delete(id);
    if (this.#kernels.has(kernelId)) await this.#kernels.shutdown(kernelId);
  }

  #find(id: string): Session {
    this.#forgetDead();
    const session = this.#sessions.get(id);
    if (!session) throw new AssayError("FILE_NOT_FOUND", `lab: there is no session ${id}.`, { id });
    return session;
  }

  #forgetDead(): void {
    for (const { id, kernelId } of this.#sessions.values()) {
      if (!this.#kernels.has(kernelId)) this.#sessions.delete(id);
    }
  }

  #model({ id, path, name, type, kernelId }: Session): SessionModel {
    return { id, path, name, type, kernel: this.#kernels.get(kernelId).model, notebook: { path, name } };
  }
}

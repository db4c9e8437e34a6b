/** The kernels that the lab has started, and what the front end is told about each. */
import { randomUUID } from "node:crypto";
import { AssayError } from "../../../lib/errors.js";
import type { KernelClient, StartOptions } from "../../client/types.js";
import type { Channel, Message } from "../../protocol/message.js";

export type StartKernel = (options: StartOptions) => Promise<KernelClient>;

export type ExecutionState = "starting" | "idle" | "busy" | "restarting" | "dead";

/** A kernel as the Jupyter Server API describes it. */
export interface KernelModel {
  readonly id: string;
  readonly name: string;
  readonly last_activity: string;
  readonly execution_state: ExecutionState;
  readonly connections: number;
}

/** The only kernel that the lab offers. */
export const kernelName = "assay";

/** One kernel; it exists from the moment that its start was asked for. */
export class LabKernel {
  readonly id = randomUUID();
  /** Settles when the kernel can be spoken to; rejects if it could not be started. */
  readonly client: Promise<KernelClient>;
  connections = 0;
  executionState: ExecutionState = "starting";
  #lastActivity = new Date();

  constructor(client: Promise<KernelClient>) {
    this.client = client.then((started) => {
      started.onMessage((channel, message) => this.#follow(channel, message));
      void started.exited.then(() => {
        this.executionState = "dead";
      });
      return started;
    });
    // Whoever asks for the client meets the error; nobody may have asked yet.
    this.client.catch(() => {
      this.executionState = "dead";
    });
  }

  get model(): KernelModel {
    return {
      id: this.id,
      name: kernelName,
      last_activity: this.#lastActivity.toISOString(),
      execution_state: this.executionState,
      connections: this.connections,
    };
  }

  #follow(channel: Channel, { header, content }: Message): void {
    this.#lastActivity = new Date();
    if (channel !== "iopub" || header.msg_type !== "status") return;
    const state = content["execution_state"];
    if (state === "idle" || state === "busy") this.executionState = state;
  }
}

/** All running kernels. */
export class Kernels {
  readonly #kernels = new Map<string, LabKernel>();
  readonly #start: StartKernel;

  constructor(start: StartKernel) {
    this.#start = start;
  }

  list(): readonly LabKernel[] {
    return [...this.#kernels.values()];
  }

  /** @throws AssayError FILE_NOT_FOUND if no such kernel runs. */
  get(id: string): LabKernel {
    const kernel = this.#kernels.get(id);
    if (!kernel) throw new AssayError("FILE_NOT_FOUND", `lab: no kernel ${id} is running.`, { id });
    return kernel;
  }

  has(id: string): boolean {
    return this.#kernels.has(id);
  }

  /** Begins to start a kernel in a folder. The kernel is listed at once. */
  start(options: StartOptions): LabKernel {
    const kernel = new LabKernel(this.#start(options));
    this.#kernels.set(kernel.id, kernel);
    kernel.client.then(
      (client) => client.exited.then(() => this.#kernels.delete(kernel.id)),
      () => this.#kernels.delete(kernel.id),
    );
    return kernel;
  }

  async interrupt(id: string): Promise<void> {
    await (await this.get(id).client).interrupt();
  }

  async restart(id: string): Promise<void> {
    const kernel = this.get(id);
    const client = await kernel.client;
    kernel.executionState = "restarting";
    await client.restart();
    kernel.executionState = "idle";
  }

  async shutdown(id: string): Promise<void> {
    const kernel = this.get(id);
    this.#kernels.delete(id);
    await (await kernel.client).dispose();
  }

  /** Ends every kernel. Safe to call twice. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.list().map(({ id }) => this.shutdown(id)));
  }
}

/** Ends a cell that must not go on: asks first, and gives up on its kernel when asking does not help. */
import type { ExecuteReply, KernelClient } from "../client/types.js";

/** Time that a cell gets to react to an interrupt before its kernel is ended. */
const interruptMs = 5000;

/** Interrupts a cell that takes too long or whose run is aborted, and gives up on it when that does not help. */
export class Stopper {
  reason: "time-out" | "signal" | undefined;
  hasGivenUp = false;
  /** Settles when the cell ignored the interrupt. */
  readonly gaveUp: Promise<ExecuteReply>;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop("signal");
  readonly #kernel: KernelClient;
  #giveUp: () => void = () => {};

  constructor(kernel: KernelClient, limitMs: number, signal: AbortSignal | undefined) {
    this.#kernel = kernel;
    this.#signal = signal;
    this.gaveUp = new Promise((resolve) => {
      this.#giveUp = () => resolve({ status: "aborted", execution_count: 0 });
    });
    if (Number.isFinite(limitMs)) {
      // Node's timers cannot wait longer than 2^31 ms.
      this.#timers.push(
        setTimeout(() => this.#stop("time-out"), Math.min(Math.max(0, limitMs), 2 ** 31 - 1)),
      );
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #stop(reason: "time-out" | "signal"): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    const interrupt = (): void => void this.#kernel.interrupt().catch(() => undefined);
    interrupt();
    this.#timers.push(
      // The first one is lost if the cell had not begun.
      setInterval(interrupt, 1000),
      setTimeout(() => {
        this.hasGivenUp = true;
        this.#giveUp();
      }, interruptMs),
    );
  }
}

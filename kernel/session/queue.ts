/** Keeps output in the order in which a cell made it, although drawing some values takes a while. */

/** Actions run at once while nothing is pending; behind something pending they wait for their turn. */
export class OutputQueue {
  #waiting: (Promise<() => void> | (() => void))[] = [];
  #draining: Promise<void> | undefined;

  /** Does it now, or after what is pending. */
  add(action: () => void): void {
    if (this.#draining) this.#waiting.push(action);
    else action();
  }

  /** Does what the promise brings, and holds back everything added later until then. */
  addLater(action: Promise<() => void>): void {
    this.#waiting.push(action);
    this.#draining ??= this.#drain();
  }

  /** Settles when nothing is pending. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  /** Gives up what is pending; what is ready still goes out. */
  abandon(): void {
    const ready = this.#waiting.filter((action) => typeof action === "function");
    this.#waiting = [];
    this.#draining = undefined;
    for (const action of ready) action();
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const action = await next;
      // Abandoned while we waited.
      if (this.#waiting[0] !== next) return;
      this.#waiting.shift();
      action();
    }
    this.#draining = undefined;
  }
}

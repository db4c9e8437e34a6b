/** Where sessions come from: a spare one is kept warm, so that a restart does not wait for Node to start. */
import { SessionProcess } from "./session-process.js";

/** The spare is started when the kernel has been quiet for this long; it costs a process and its memory. */
const QUIET_MS = 3000;

/** Makes sessions for one folder and keeps at most one in reserve. */
export class Sessions {
  readonly #folder: string;
  #spare: SessionProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A session that has run nothing. */
  take(): SessionProcess {
    clearTimeout(this.#timer);
    const spare = this.#spare?.hasEnded ? undefined : this.#spare;
    this.#spare = undefined;
    return spare ?? new SessionProcess(this.#folder);
  }

  /** Says that nothing is running now. */
  quiet(): void {
    clearTimeout(this.#timer);
    if (this.#disposed || this.#spare) return;
    this.#timer = setTimeout(() => {
      this.#spare = new SessionProcess(this.#folder);
    }, QUIET_MS);
  }

  /** Says that a cell runs: starting a process now would slow it down. */
  busy(): void {
    clearTimeout(this.#timer);
  }

  /** Ends the spare. Safe to call twice. */
  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#spare?.kill();
  }
}

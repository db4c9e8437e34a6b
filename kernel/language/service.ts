/**
 * The supervisor's side of the language server: a child process that is started beside the session, asked
 * with time limits, and started again when it ends. Loads neither parser nor compiler.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Completeness, Completion, Diagnostic, Inspection, LanguageService } from "./types.js";

/** A question to the language server process. */
export type Question = { readonly id: number } & (
  | { readonly ask: "isComplete" | "check" | "commit"; readonly code: string }
  | {
      readonly ask: "complete";
      readonly code: string;
      readonly cursor: number;
      readonly globals: readonly string[];
    }
  | { readonly ask: "inspect"; readonly code: string; readonly cursor: number; readonly detail: 0 | 1 }
  | { readonly ask: "reset" }
);

/** Its answer: a result, or what went wrong. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

export interface LanguageServiceOptions {
  /** Folder of the notebook: imports resolve from there, its tsconfig.json holds. */
  readonly folder: string;
  /** After this many milliseconds a question is answered without the service. Default 5,000. */
  readonly timeoutMs?: number;
}

type Asked = Question extends infer One ? (One extends Question ? Omit<One, "id"> : never) : never;

const main = fileURLToPath(new URL("./server/main.js", import.meta.url));
/** Questions in a row that may run out of time before the process is replaced. */
const patience = 3;

/**
 * Starts the language service of a notebook's folder. Returns at once; early questions wait for it.
 *
 * @example
 * const language = startLanguageService({ folder: "notebooks" });
 * language.commit("const scores = [0.1, 0.9];");
 * (await language.complete("scores.ma", 9)).items[0]   // { text: "map", type: "method" }
 */
export function startLanguageService({ folder, timeoutMs = 5000 }: LanguageServiceOptions): LanguageService {
  return new LanguageServer(folder, timeoutMs);
}

class LanguageServer implements LanguageService {
  readonly #folder: string;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, (answer: Answer | null) => void>();
  /** Cells that ran, for a process that has to start again. */
  #committed: string[] = [];
  #child: ChildProcess | null = null;
  #isDisposed = false;
  #lastId = 0;
  #unanswered = 0;

  constructor(folder: string, timeoutMs: number) {
    this.#folder = folder;
    this.#timeoutMs = timeoutMs;
    this.#start();
  }

  async complete(code: string, cursor: number, globals: readonly string[] = []): Promise<Completion> {
    const found = await this.#ask<Completion>({ ask: "complete", code, cursor, globals });
    return found ?? completeFromNames(code, cursor, globals);
  }

  async inspect(code: string, cursor: number, detail: 0 | 1): Promise<Inspection | null> {
    return await this.#ask<Inspection>({ ask: "inspect", code, cursor, detail });
  }

  async isComplete(code: string): Promise<Completeness> {
    return (await this.#ask<Completeness>({ ask: "isComplete", code })) ?? { status: "unknown" };
  }

  async check(code: string): Promise<readonly Diagnostic[]> {
    return (await this.#ask<readonly Diagnostic[]>({ ask: "check", code })) ?? [];
  }

  commit(code: string): void {
    this.#committed.push(code);
    void this.#ask({ ask: "commit", code });
  }

  reset(): void {
    this.#committed = [];
    void this.#ask({ ask: "reset" });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#stop();
  }

  #start(): ChildProcess {
    // Nothing is inherited: a compiler that outlives the kernel would keep the pipe of whoever started it open,
    // and that program waiting for its end.
    const child = fork(main, [this.#folder], { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
    this.#child = child;
    child.on("message", (message) => this.#settle(message as Answer));
    child.once("exit", () => this.#onExit(child));
    child.once("error", () => this.#onExit(child));
    for (const code of this.#committed) this.#send(child, { ask: "commit", code });
    return child;
  }

  #onExit(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = null;
    for (const [id, settle] of this.#waiting) {
      this.#waiting.delete(id);
      settle(null);
    }
  }

  #stop(): void {
    const child = this.#child;
    if (!child) return;
    this.#onExit(child);
    child.kill("SIGKILL");
  }

  /** The answer, or null when it failed or did not come in time. */
  async #ask<Result>(question: Asked): Promise<Result | null> {
    if (this.#isDisposed) return null;
    const id = this.#send(this.#child ?? this.#start(), question);
    const answer = await new Promise<Answer | null>((resolve) => {
      const timer = setTimeout(() => this.#giveUp(id), this.#timeoutMs);
      this.#waiting.set(id, (given) => {
        clearTimeout(timer);
        resolve(given);
      });
    });
    return answer && "result" in answer ? (answer.result as Result | null) : null;
  }

  #send(child: ChildProcess, question: Asked): number {
    const id = ++this.#lastId;
    if (child.connected) child.send({ ...question, id });
    return id;
  }

  #settle(answer: Answer): void {
    this.#unanswered = 0;
    const settle = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    settle?.(answer);
  }

  #giveUp(id: number): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(null);
    this.#unanswered++;
    if (this.#unanswered >= patience) this.#stop();
  }
}

/** What can be offered without the service: names that begin as the word before the cursor. */
function completeFromNames(code: string, cursor: number, names: readonly string[]): Completion {
  const characters = [...code].slice(0, cursor);
  const word = /[\p{ID_Continue}$]*$/u.exec(characters.join(""))?.[0] ?? "";
  const items = names.filter((name) => name.startsWith(word)).map((text) => ({ text, type: "instance" }));
  return { start: cursor - [...word].length, end: cursor, items };
}

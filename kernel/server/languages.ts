/** Completion, inspection and completeness of code: requests of the protocol, asked of the language service. */
import { startLanguageService } from "../language/service.js";
import type { LanguageService } from "../language/types.js";
import type { Reply } from "./request.js";

/** The service starts this long after the kernel, so that it does not slow the first cell down. */
const START_MS = 1000;

/** Cells that ran are told to the service when nothing has been run for this long, or when it is asked. */
const QUIET_MS = 300;

/** `name?` or `?name`: a question that is not TypeScript. */
const QUESTION =
  /^\s*(?:([\p{ID_Start}$_][\p{ID_Continue}$.]*)(\?{1,2})|(\?{1,2})([\p{ID_Start}$_][\p{ID_Continue}$.]*))\s*$/u;

/** The kernel's view of the language service; it answers while a cell runs. */
export class Languages {
  readonly #folder: string;
  readonly #starting: NodeJS.Timeout;
  #service: LanguageService | undefined;
  #uncommitted: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#starting = setTimeout(() => this.#started(), START_MS);
  }

  /** @param cursor Counted in code points, as Jupyter does. @param names Known at run time. */
  async complete(code: string, cursor: number, names: readonly string[]): Promise<Reply> {
    const { start, end, items } = await this.#informed().complete(code, cursor, names);
    return {
      status: "ok",
      matches: items.map(({ text }) => text),
      cursor_start: start,
      cursor_end: end,
      metadata: {
        _jupyter_types_experimental: items.map(({ text, type }) => ({ text, type, start, end })),
      },
    };
  }

  async inspect(code: string, cursor: number, detail: 0 | 1): Promise<Reply> {
    const found = await this.#informed().inspect(code, cursor, detail);
    return { status: "ok", found: found !== null, data: found?.data ?? {}, metadata: {} };
  }

  async isComplete(code: string): Promise<Reply> {
    return await this.#started().isComplete(code);
  }

  /** For a cell `name?`: a reply with the page that describes the name. Nothing for any other cell. */
  page(code: string): Promise<Reply> | undefined {
    const match = QUESTION.exec(code);
    if (!match) return undefined;
    const [, after, marks, marksBefore, before] = match;
    return this.#page((after ?? before)!, (marks ?? marksBefore) === "??" ? 1 : 0);
  }

  /** A cell ran: what it declares is known to later questions. */
  commit(code: string): void {
    this.#uncommitted.push(code);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#service && this.#informed(), QUIET_MS);
  }

  /** The session is a fresh one. */
  reset(): void {
    this.#uncommitted = [];
    this.#service?.reset();
  }

  /** Safe to call twice. */
  dispose(): void {
    clearTimeout(this.#starting);
    clearTimeout(this.#timer);
    this.#service?.dispose();
  }

  async #page(name: string, detail: 0 | 1): Promise<Reply> {
    const found = await this.#informed().inspect(name, [...name].length, detail);
    const data = found?.data ?? { "text/plain": `${name}: nothing is known about this name.` };
    return { status: "ok", payload: [{ source: "page", data, start: 0 }], user_expressions: {} };
  }

  #started(): LanguageService {
    clearTimeout(this.#starting);
    this.#service ??= startLanguageService({ folder: this.#folder });
    return this.#service;
  }

  /** The service, after it was told of all cells that ran. */
  #informed(): LanguageService {
    const service = this.#started();
    for (const code of this.#uncommitted) service.commit(code);
    this.#uncommitted = [];
    return service;
  }
}

/** Cells that ran: what history_request answers from. */
import type { RequestContent } from "../protocol/content.js";

/** One executed cell. */
export interface HistoryEntry {
  readonly session: number;
  readonly line: number;
  readonly input: string;
  output: string | null;
}

/** More cells than a notebook has; the oldest are forgotten first. */
const MAX_ENTRIES = 100_000;

/** The kernel's present session in history; earlier sessions are not kept. */
const SESSION = 1;

/** The history of one kernel. */
export class History {
  #entries: HistoryEntry[] = [];

  /** Adds a cell; the entry's output may be filled in once there is one. */
  add(line: number, input: string): HistoryEntry {
    const entry = { session: SESSION, line, input, output: null };
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    return entry;
  }

  /** Answers a request: triples of session, line and input, or input and output. */
  query(request: RequestContent<"history_request">): unknown[][] {
    return this.#select(request).map(({ session, line, input, output }) => [
      session,
      line,
      request.output ? [input, output] : input,
    ]);
  }

  #select({ hist_access_type, session, start, stop, n, pattern, unique }: RequestContent<"history_request">) {
    if (hist_access_type === "tail") return lastOf(this.#entries, n);
    if (hist_access_type === "range") {
      // 0 is the present session; it may also be named by its number, as `tail` reports it.
      if (session !== 0 && session !== SESSION) return [];
      return this.#entries.filter(({ line }) => line >= start && (stop === null || line < stop));
    }
    const matches = this.#entries.filter(({ input }) => matchesGlob(pattern, input));
    return lastOf(unique ? latestOfEach(matches) : matches, n);
  }
}

function lastOf(entries: readonly HistoryEntry[], n: number | null): readonly HistoryEntry[] {
  return n === null ? entries : entries.slice(Math.max(0, entries.length - Math.max(0, n)));
}

function latestOfEach(entries: readonly HistoryEntry[]): HistoryEntry[] {
  const latest = new Map<string, HistoryEntry>();
  for (const entry of entries) {
    latest.delete(entry.input);
    latest.set(entry.input, entry);
  }
  return [...latest.values()];
}

/**
 * Whether the whole text fits a pattern with `*` and `?`, as SQLite's GLOB does in IPython.
 * Runs in time proportional to text and pattern: patterns come from outside.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let position = 0;
  while (position < text.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at++;
      resume = position;
    } else if (wanted === "?" || wanted === text[position]) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

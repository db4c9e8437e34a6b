/** Parsing of cells and modules: TypeScript with or without JSX, whichever the source is. */
import { type ParseResult, parseSync } from "oxc-parser";
import { CellSyntaxError } from "./syntax-error.js";

/** A source that both readings allow is TypeScript; only a tag that closes suggests JSX. */
const looksLikeJsx = (source: string): boolean => /<\/|\/>/.test(source);

export interface ParsedSource {
  readonly result: ParseResult;
  readonly language: "ts" | "tsx";
}

/** Parses a cell, or gives the errors of the likelier reading. */
export function tryParse(source: string): ParsedSource {
  const order = looksLikeJsx(source) ? (["tsx", "ts"] as const) : (["ts", "tsx"] as const);
  const attempts = order.map((language) => ({
    language,
    get result() {
      return parseSync(`cell.${language}`, source, {
        lang: language,
        sourceType: "module",
        showSemanticErrors: true,
      });
    },
  }));
  const first = { language: order[0], result: attempts[0]!.result };
  if (first.result.errors.length === 0) return first;
  const second = { language: order[1], result: attempts[1]!.result };
  return second.result.errors.length === 0 ? second : first;
}

/**
 * Parses a cell.
 *
 * @throws CellSyntaxError with the first error's place.
 */
export function parseSource(source: string, fileName: string): ParsedSource {
  const parsed = tryParse(source);
  const [error] = parsed.result.errors;
  if (error === undefined) return parsed;
  const label = error.labels.at(-1);
  const start = Math.min(label?.start ?? 0, source.length);
  const end = Math.min(label?.end ?? start + 1, source.length);
  const hint = error.helpMessage === null ? "" : ` (${error.helpMessage})`;
  throw new CellSyntaxError(`${error.message}${hint}`, source, start, end, fileName);
}

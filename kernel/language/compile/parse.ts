/** Parsing of cells and modules: TypeScript with or without JSX, whichever the source is. */
import { type ErrorLabel, type OxcError, type ParseResult, parseSync } from "oxc-parser";
import { CellSyntaxError } from "./syntax-error.js";

/** A source that both readings allow is TypeScript; only a tag that closes suggests JSX. */
const looksLikeJsx = (source: string): boolean => /<\/|\/>/.test(source);

export interface ParsedSource {
  readonly result: ParseResult;
  readonly language: "ts" | "tsx";
}

/** The readings of a source, likelier first; each is parsed when it is asked for. */
export function* readingsOf(source: string): Generator<ParsedSource> {
  for (const language of looksLikeJsx(source) ? (["tsx", "ts"] as const) : (["ts", "tsx"] as const)) {
    const options = { lang: language, sourceType: "module", showSemanticErrors: true } as const;
    yield { language, result: parseSync(`cell.${language}`, source, options) };
  }
}

/**
 * Parses a cell.
 *
 * @throws CellSyntaxError with the place of the likelier reading's first error.
 */
export function parseSource(source: string, fileName: string): ParsedSource {
  let likelier: ParsedSource | null = null;
  for (const reading of readingsOf(source)) {
    if (reading.result.errors.length === 0) return reading;
    likelier ??= reading;
  }
  throw syntaxErrorOf(source, likelier!.result.errors[0]!, fileName);
}

/** Where an error is: of several places, the last is the one that could not stand. */
export function placeOf(error: OxcError): ErrorLabel {
  const start = { start: 0, end: 0, message: null };
  return error.labels.reduce<ErrorLabel>((last, label) => (label.start >= last.start ? label : last), start);
}

function syntaxErrorOf(source: string, error: OxcError, fileName: string): CellSyntaxError {
  const { start, end } = placeOf(error);
  const atEnd = start >= source.trimEnd().length;
  const hint = error.helpMessage === null ? "" : ` (${error.helpMessage})`;
  const message = atEnd && error.message === "Unexpected token" ? "Unexpected end of input" : error.message;
  return new CellSyntaxError(`${message}${hint}`, source, start, end, fileName);
}

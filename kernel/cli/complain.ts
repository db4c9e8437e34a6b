/** What a command says is wrong: on standard error, fit for a terminal whatever names a stranger's file holds. */
import { plainLine, plainText } from "../render/format.js";

const LINES = 20;
const LENGTH = 2000;

/** Writes `assay: message`; control characters and what turns text around are replaced. */
export function complain(message: string): void {
  process.stderr.write(`assay: ${plainText(message, LINES, LENGTH)}\n`);
}

/** A file's name as a line of a listing shows it. */
export const plainFile = (file: string): string => plainLine(file, LENGTH);

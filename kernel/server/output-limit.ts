/** Keeps a cell that prints without end from filling the notebook and the memory of everything that shows it. */

/** A cell's printed text up to here is kept whole: about 400,000 lines. */
const MAX_CHARACTERS = 32 * 2 ** 20;

/** Counts the text of one cell and cuts it off at the limit, saying so once. */
export class OutputLimit {
  #left = MAX_CHARACTERS;

  /** The part of the text that is still shown. */
  admit(text: string): string {
    if (this.#left <= 0) return "";
    const admitted = text.slice(0, this.#left);
    this.#left -= text.length;
    if (this.#left > 0) return admitted;
    return `${admitted}\n[The cell printed more than ${MAX_CHARACTERS / 2 ** 20} million characters; the rest is not shown. Write long output to a file.]\n`;
  }
}

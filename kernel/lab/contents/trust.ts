/**
 * Which notebooks had all their outputs made here: JupyterLab shows the HTML of those as it stands, and
 * sanitises that of all others. A notebook is recognised by a keyed digest of the text that was saved.
 */
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toNotebook } from "../../notebook/read.js";
import type { Notebook } from "../../notebook/types.js";
import { formatNotebook } from "../../notebook/write.js";

/** Digests kept; the oldest go first. */
const limit = 10_000;

export class TrustStore {
  readonly #file: string;
  readonly #secret: Buffer;
  readonly #digests: Set<string>;

  /** @param folder Folder of the user's data; its files are made on first use. */
  constructor(folder: string) {
    this.#file = join(folder, "trusted-notebooks.json");
    const stored = existsSync(this.#file) ? readStore(this.#file) : undefined;
    this.#secret = stored ? Buffer.from(stored.secret, "hex") : randomBytes(32);
    this.#digests = new Set(stored?.digests);
  }

  /** The notebook for the front end: its code cells say whether they are trusted. One without outputs always is. */
  mark(notebook: Notebook): Notebook {
    const isKnown = this.#digests.has(this.#digest(notebook));
    const cells = notebook.cells.map((cell) => {
      if (cell.cell_type !== "code") return cell;
      return { ...cell, metadata: { ...cell.metadata, trusted: isKnown || cell.outputs.length === 0 } };
    });
    return { ...notebook, cells };
  }

  /**
   * The notebook of the front end as it goes to disk, without those marks; remembered if all were trusted.
   *
   * @throws AssayError INVALID_NOTEBOOK
   */
  unmark(content: unknown): Notebook {
    // Checked and joined; the marks are gone from it.
    const notebook = toNotebook(content);
    const { cells } = content as { readonly cells: readonly { readonly metadata: { trusted?: unknown } }[] };
    const isTrusted = notebook.cells.every(
      ({ cell_type }, index) => cell_type !== "code" || cells[index]?.metadata.trusted === true,
    );
    if (isTrusted) this.#remember(this.#digest(notebook));
    return notebook;
  }

  #digest(notebook: Notebook): string {
    return createHmac("sha256", this.#secret).update(formatNotebook(notebook)).digest("hex");
  }

  #remember(digest: string): void {
    this.#digests.delete(digest);
    this.#digests.add(digest);
    for (const oldest of this.#digests) {
      if (this.#digests.size <= limit) break;
      this.#digests.delete(oldest);
    }
    mkdirSync(dirname(this.#file), { recursive: true });
    const store = { secret: this.#secret.toString("hex"), digests: [...this.#digests] };
    writeFileSync(this.#file, JSON.stringify(store), { mode: 0o600 });
  }
}

function readStore(
  file: string,
): { readonly secret: string; readonly digests: readonly string[] } | undefined {
  try {
    const { secret, digests } = JSON.parse(readFileSync(file, "utf8"));
    return /^[0-9a-f]{64}$/.test(secret) && Array.isArray(digests) ? { secret, digests } : undefined;
  } catch {
    // A damaged store only means that notebooks have to be trusted again.
    return undefined;
  }
}

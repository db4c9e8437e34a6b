/**
 * Which notebooks had all their outputs made here: JupyterLab shows the HTML of those as it stands, and
 * sanitises that of all others. A notebook is recognised by a keyed digest of the text that was saved.
 */
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cellsOf, notebookText } from "./notebook-text.js";

type Json = Record<string, unknown>;

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

  /** A copy whose code cells say whether they are trusted; a cell without outputs always is. */
  mark(notebook: Json): Json {
    const isKnown = this.#digests.has(this.#digest(notebook));
    return withCells(notebook, (cell) => {
      if (cell["cell_type"] !== "code") return cell;
      const trusted = isKnown || (cell["outputs"] as readonly unknown[] | undefined)?.length === 0;
      return { ...cell, metadata: { ...(cell["metadata"] as Json), trusted } };
    });
  }

  /** A copy as it goes to disk, without those marks; remembered if every code cell was trusted. */
  unmark(notebook: Json): Json {
    const isTrusted = cellsOf(notebook).every(
      (cell) => cell["cell_type"] !== "code" || (cell["metadata"] as Json | undefined)?.["trusted"] === true,
    );
    const plain = withCells(notebook, (cell) => {
      const { trusted: _, ...metadata } = (cell["metadata"] ?? {}) as Json;
      return { ...cell, metadata };
    });
    if (isTrusted) this.#remember(this.#digest(plain));
    return plain;
  }

  #digest(notebook: Json): string {
    return createHmac("sha256", this.#secret).update(notebookText(notebook)).digest("hex");
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

const withCells = (notebook: Json, change: (cell: Json) => Json): Json => ({
  ...notebook,
  cells: cellsOf(notebook).map(change),
});

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

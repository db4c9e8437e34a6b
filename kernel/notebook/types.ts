/** A notebook in memory: nbformat 4.5 with every multi-line text joined. Never changed in place. */

/** Metadata of a notebook, a cell or an output. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Representations by MIME type: text or base64 as strings, JSON types as plain JSON. */
export type MimeData = Readonly<Record<string, unknown>>;

export interface StreamOutput {
  readonly output_type: "stream";
  readonly name: string;
  readonly text: string;
}

export interface DisplayOutput {
  readonly output_type: "display_data";
  readonly data: MimeData;
  readonly metadata: Metadata;
}

export interface ResultOutput {
  readonly output_type: "execute_result";
  readonly execution_count: number | null;
  readonly data: MimeData;
  readonly metadata: Metadata;
}

export interface ErrorOutput {
  readonly output_type: "error";
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

export type Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput;

interface AnyCell {
  readonly id: string;
  readonly metadata: Metadata;
  readonly source: string;
}

export interface CodeCell extends AnyCell {
  readonly cell_type: "code";
  readonly execution_count: number | null;
  readonly outputs: readonly Output[];
}

export interface TextCell extends AnyCell {
  readonly cell_type: "markdown" | "raw";
  /** Images that the text refers to as `attachment:NAME`. */
  readonly attachments?: Readonly<Record<string, MimeData>>;
}

export type Cell = CodeCell | TextCell;

export interface Notebook {
  readonly nbformat: 4;
  readonly nbformat_minor: number;
  readonly metadata: Metadata;
  readonly cells: readonly Cell[];
}

/** Whether a MIME type carries JSON rather than text; nbformat keeps those values as they are. */
export const isJsonMime = (mime: string): boolean => /^application\/(.*\+)?json$/.test(mime);

/** The tags of a cell. */
export const tagsOf = (cell: Cell): readonly string[] =>
  Array.isArray(cell.metadata["tags"]) ? (cell.metadata["tags"] as string[]) : [];

export const isCode = (cell: Cell): cell is CodeCell => cell.cell_type === "code";

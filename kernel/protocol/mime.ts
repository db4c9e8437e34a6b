/** What a value looks like on screen: one or more representations, and notes on them. */

/** Representations of one value by MIME type; strings, or plain JSON for JSON types. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** A display's data and metadata as Jupyter's display_data carries them. */
export interface Display {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
}

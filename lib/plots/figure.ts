/** A plotly figure as plain data. `kernel/render` turns it into an interactive plot and a PNG. */

/** One picture: plotly traces and layout, and the words that stand for it where no picture can be shown. */
export interface Figure {
  readonly kind: "figure";
  /** Plotly traces. */
  readonly data: readonly Readonly<Record<string, unknown>>[];
  /** Plotly layout. Carries no paper, plot or font colours: the viewer's theme sets them. */
  readonly layout: Readonly<Record<string, unknown>>;
  /** One to four lines that say what the picture shows, with its key numbers. */
  readonly description: string;
}

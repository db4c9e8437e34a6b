/** What the session asks of the drawing worker, and what comes back. */

/** A drawing to make. */
export type Drawing =
  | { readonly type: "figure"; readonly figure: PlotlyFigure }
  | { readonly type: "images"; readonly images: readonly PixelImage[]; readonly columns: number };

/** Traces and layout, as plotly takes them. */
export interface PlotlyFigure {
  readonly data: readonly unknown[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** One image of a grid: RGB bytes, row by row, enlarged `zoom` times with the caption below. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly zoom: number;
  readonly caption: string;
}

export interface Job {
  readonly id: number;
  readonly drawing: Drawing;
}

export type JobResult =
  | { readonly id: number; readonly png: Uint8Array; readonly width: number; readonly height: number }
  | { readonly id: number; readonly problem: string };

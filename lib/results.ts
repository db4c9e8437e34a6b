/** The union of everything Assay can display. A new kind added here makes the compiler ask for its renderer. */
import type { Figure } from "./plots/figure.js";
import type { ImageGrid } from "./plots/image-grid.js";
import type { Estimate } from "./stats/estimate.js";

/** Every result that has a `kind`. */
export type Result = Estimate | Figure | ImageGrid;

/** The name of a kind of result. */
export type ResultKind = Result["kind"];

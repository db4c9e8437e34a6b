/** Still pictures: base64 PNG with the size it is to be shown at, and the `<img>` that cards embed. */
import type { Figure } from "../../lib/plots/figure.js";
import { type Drawn, draw } from "./drawing/client.js";
import { type Html, html } from "./html.js";
import { toJson } from "./json.js";

/** A PNG, twice as many pixels a side as `width` and `height`, which are CSS pixels. */
export interface Picture {
  readonly base64: string;
  readonly width: number;
  readonly height: number;
}

/** A picture inside a card, with the words that stand for it. */
export function pictureHtml(picture: Drawn, description: string): Html {
  if ("problem" in picture) return html`<p>${description} (no picture: ${picture.problem})</p>`;
  const { base64, width, height } = picture;
  return html`<figure><img src="data:image/png;base64,${base64}" width="${width}" height="${height}" alt="${description}">
<figcaption>${description}</figcaption></figure>`;
}

/** Draws plotly traces to a PNG, or says why that was not possible. */
export async function figurePng({ data, layout }: Pick<Figure, "data" | "layout">): Promise<Drawn> {
  const figure = toJson({ data, layout }, { maxBytes: 64 * 1024 * 1024, printable: true });
  if (figure === undefined) return { problem: "the figure is larger than 64 MB" };
  return draw({ type: "figure", figure: figure as Pick<Figure, "data" | "layout"> });
}

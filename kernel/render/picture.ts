/** Still pictures: base64 PNG with the size it is to be shown at, and the `<img>` that cards embed. */
import { type Html, html } from "./html.js";

/** A PNG, twice as many pixels a side as `width` and `height`, which are CSS pixels. */
export interface Picture {
  readonly base64: string;
  readonly width: number;
  readonly height: number;
}

/** A picture inside a card, with the words that stand for it. */
export function pictureHtml({ base64, width, height }: Picture, description: string): Html {
  return html`<figure><img src="data:image/png;base64,${base64}" width="${width}" height="${height}" alt="${description}">
<figcaption>${description}</figcaption></figure>`;
}

/** Draws plotly traces to a PNG, or says why that was not possible. */
export async function figurePng(_figure: {
  readonly data: readonly unknown[];
  readonly layout: Readonly<Record<string, unknown>>;
}): Promise<Picture | { readonly problem: string }> {
  return { problem: "the picture drawer is not available" };
}

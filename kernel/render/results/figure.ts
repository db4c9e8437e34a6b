/** A plotly figure: interactive where the viewer can, a picture where it cannot, words everywhere. */
import type { Figure } from "../../../lib/plots/figure.js";
import type { Display } from "../../protocol/mime.js";
import { plainLine } from "../format.js";
import { figurePng } from "../picture.js";

/**
 * The figure's bundle: `application/vnd.plotly.v1+json`, `image/png`, `text/plain`.
 * Never HTML or SVG beside it: viewers that prefer those would show nothing.
 */
export async function renderFigure({ data, layout, description: words }: Figure): Promise<Display> {
  const description = words
    .split("\n")
    .map((line) => plainLine(line))
    .join("\n");
  const picture = await figurePng({ data, layout });
  const plotly = { data, layout, config: { responsive: true, displaylogo: false } };
  if ("problem" in picture) {
    const note = `(no still picture: ${picture.problem})`;
    return {
      data: { "application/vnd.plotly.v1+json": plotly, "text/plain": `${description}\n${note}` },
      metadata: {},
    };
  }
  return {
    data: {
      "application/vnd.plotly.v1+json": plotly,
      "image/png": picture.base64,
      "text/plain": description,
    },
    metadata: { "image/png": { width: picture.width, height: picture.height, alt: description } },
  };
}

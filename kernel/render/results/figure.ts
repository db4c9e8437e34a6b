/** A plotly figure: interactive where the viewer can, a picture where it cannot, words everywhere. */
import type { Figure } from "../../../lib/plots/figure.js";
import type { Display } from "../../protocol/mime.js";
import { plainText } from "../format.js";
import { toJson } from "../json.js";
import { figurePng } from "../picture.js";

/** Larger figures are shown as a still picture only, or notebooks grow to tens of megabytes. */
const maxFigureBytes = 2 * 1024 * 1024;

/**
 * The figure's bundle: `application/vnd.plotly.v1+json`, `image/png`, `text/plain`.
 * Never HTML or SVG beside it: viewers that prefer those would show nothing. Fractions are rounded to six digits.
 */
export async function renderFigure({ data, layout, description }: Figure): Promise<Display> {
  const config = { responsive: true, displaylogo: false };
  const plotly = toJson({ data, layout, config }, { maxBytes: maxFigureBytes, digits: 6 });
  const picture = await figurePng({ data, layout });
  const text = [plainText(description)];
  if (plotly === undefined)
    text.push("(Still picture only: the interactive figure would take more than 2 MB.)");
  if ("problem" in picture) text.push(`(No still picture: ${plainText(picture.problem)})`);
  return {
    data: {
      ...(plotly !== undefined && { "application/vnd.plotly.v1+json": plotly }),
      ...("base64" in picture && { "image/png": picture.base64 }),
      "text/plain": text.join("\n"),
    },
    metadata:
      "base64" in picture
        ? { "image/png": { width: picture.width, height: picture.height, alt: plainText(description) } }
        : {},
  };
}

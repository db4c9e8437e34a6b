/** The one font of still pictures: bundled, so that a picture has the same pixels on every machine. */
import { createRequire } from "node:module";
import { type Canvas, createCanvas, GlobalFonts, type SKRSContext2D } from "@napi-rs/canvas";

/** Open Sans (SIL Open Font License 1.1) is also the first choice of plotly's own layouts. */
export const fontFamily = "Assay Open Sans";

let context: SKRSContext2D | undefined;

/** Registers the bundled font. Safe to call twice. */
export function registerFonts(): void {
  if (GlobalFonts.has(fontFamily)) return;
  const require = createRequire(import.meta.url);
  for (const weight of ["400Regular", "700Bold"]) {
    const file = require.resolve(`@expo-google-fonts/open-sans/${weight}/OpenSans_${weight}.ttf`);
    GlobalFonts.registerFromPath(file, fontFamily);
  }
}

/** Width, ascent and descent of one line of text in CSS pixels. */
export function measureText(
  text: string,
  sizePx: number,
  isBold: boolean,
): { readonly width: number; readonly ascent: number; readonly descent: number } {
  context ??= (createCanvas(1, 1) as Canvas).getContext("2d");
  context.font = `${isBold ? "bold " : ""}${sizePx}px "${fontFamily}"`;
  const { width } = context.measureText(text);
  // The font's own line box, as a browser's getBBox has it, not the ink of this text.
  return { width, ascent: sizePx * 1.069, descent: sizePx * 0.293 };
}

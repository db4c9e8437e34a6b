/** SVG to PNG with the canvas library, and what has to be rewritten for it to look as in a browser. */
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { fontFamily } from "./fonts.js";

/** Pixels of a picture per CSS pixel. */
export const scale = 2;

/** Draws SVG text to a PNG of `scale` times its size, on white. */
export async function rasterise(
  svg: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Buffer> {
  const canvas = createCanvas(width * scale, height * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const image = await loadImage(Buffer.from(await prepare(svg)));
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.encode("png");
}

async function prepare(svg: string): Promise<string> {
  const text = svg
    // Control characters and lone surrogates, e.g. in a stranger's names, are not allowed in XML.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
    // A quoted reference is not found, and the colour bar becomes black.
    .replace(/url\((?:'|"|&quot;)(#[^'"&)]+)(?:'|"|&quot;)\)/g, "url($1)")
    .replace(/font-family:[^;"]*/g, `font-family:'${fontFamily}'`);
  return replaceAsync(splitLines(text), /<image\b[^>]*>/g, enlargeImage);
}

/** The canvas library draws all lines of a text on the first one: make each line a text of its own. */
function splitLines(svg: string): string {
  let attributes = "";
  return svg.replace(/<text\b([^>]*)>|<tspan class="line"([^>]*)>/g, (tag, text?: string, line?: string) => {
    if (text !== undefined) {
      attributes = text;
      return tag;
    }
    const number = (name: string): number => Number.parseFloat(attributeOf(line!, name) ?? "0");
    const fontSize = Number.parseFloat(/font-size:\s*([\d.]+)px/.exec(attributes)?.[1] ?? "12");
    const y = number("y") + number("dy") * fontSize;
    const others = attributes.replace(/\s(x|y)="[^"]*"/g, "");
    return `</text><text${others} x="${number("x")}" y="${y}"><tspan>`;
  });
}

const attributeOf = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

/** Embedded images (heatmaps) are smoothed when enlarged: enlarge them to their final size here, pixel by pixel. */
async function enlargeImage(tag: string): Promise<string> {
  const source = /\bhref="(data:image\/png;base64,[^"]+)"/.exec(tag)?.[1];
  const size = (name: string): number => Number(attributeOf(tag, name) ?? 0);
  const [width, height] = [Math.round(size("width") * scale), Math.round(size("height") * scale)];
  if (!source || width < 1 || height < 1 || width * height > 4e7) return tag;
  const image = await loadImage(Buffer.from(source.slice(source.indexOf(",") + 1), "base64"));
  if (image.width >= width && image.height >= height) return tag;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, width, height);
  return tag.replace(source, canvas.toDataURL("image/png"));
}

async function replaceAsync(
  text: string,
  pattern: RegExp,
  replace: (match: string) => Promise<string>,
): Promise<string> {
  const matches = [...text.matchAll(pattern)];
  const replaced = await Promise.all(matches.map(([match]) => replace(match)));
  let at = 0;
  let result = "";
  for (const [i, match] of matches.entries()) {
    result += text.slice(at, match.index) + replaced[i]!;
    at = match.index + match[0].length;
  }
  return result + text.slice(at);
}

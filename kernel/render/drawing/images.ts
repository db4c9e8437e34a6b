/** A grid of small images as one PNG: every pixel a square of its own, captions below. */
import { createCanvas } from "@napi-rs/canvas";
import { fontFamily, measureText } from "./fonts.js";
import type { PixelImage } from "./jobs.js";
import { scale } from "./rasterise.js";

const gap = 12;
const captionSize = 12;
const lineHeight = 16;

/** Draws the images in rows of `columns`, on nothing: captions are read on white and on black. Sizes are CSS pixels; the PNG has twice as many a side. */
export async function drawImages(
  images: readonly PixelImage[],
  columns: number,
): Promise<{ png: Uint8Array; width: number; height: number }> {
  const cellWidth = Math.max(48, ...images.map((image) => image.width * image.zoom));
  const cells = images.map((image) => ({ image, lines: wrap(image.caption, cellWidth) }));
  const captionLines = Math.max(0, ...cells.map(({ lines }) => lines.length));
  const cellHeight =
    Math.max(1, ...images.map((image) => image.height * image.zoom)) + captionLines * lineHeight + 4;
  const rows = Math.max(1, Math.ceil(images.length / columns));
  const width = Math.min(columns, Math.max(images.length, 1)) * (cellWidth + gap) + gap;
  const height = rows * (cellHeight + gap) + gap;
  const canvas = createCanvas(width * scale, height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.imageSmoothingEnabled = false;
  context.font = `${captionSize}px "${fontFamily}"`;
  for (const [i, { image, lines }] of cells.entries()) {
    const left = gap + (i % columns) * (cellWidth + gap);
    const top = gap + Math.floor(i / columns) * (cellHeight + gap);
    const [shownWidth, shownHeight] = [image.width * image.zoom, image.height * image.zoom];
    context.drawImage(pixels(image), left, top, shownWidth, shownHeight);
    context.strokeStyle = "#999999";
    context.lineWidth = 0.5;
    context.strokeRect(left - 0.25, top - 0.25, shownWidth + 0.5, shownHeight + 0.5);
    context.fillStyle = "#767676";
    for (const [k, line] of lines.entries()) {
      context.fillText(line, left, top + shownHeight + captionSize + 4 + k * lineHeight);
    }
  }
  return { png: await canvas.encode("png"), width, height };
}

function pixels({ width, height, rgb }: PixelImage) {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    data.data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

/** The caption in lines that fit below its image; a word that is too long is cut. */
function wrap(caption: string, width: number): string[] {
  const fits = (text: string): boolean => measureText(text, captionSize, false).width <= width;
  const lines: string[] = [];
  for (let word of caption.split(/\s+/).filter(Boolean)) {
    while (word.length > 1 && !fits(word)) word = `${word.slice(0, -2)}…`;
    const joined = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && fits(joined)) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.slice(0, 4);
}

/** Small images side by side, every pixel enlarged to a square. */
import type { CaptionedImage, ImageGrid } from "../../../lib/plots/image-grid.js";
import { toFloat64 } from "../../../lib/tensor/dtype.js";
import type { Display } from "../../protocol/mime.js";
import { draw } from "../drawing/client.js";
import type { PixelImage } from "../drawing/jobs.js";
import { formatDims, formatNumber, plainLine, plural } from "../format.js";

/** Side of an enlarged image and width of a whole row, in CSS pixels. */
const imageSide = 112;
const rowWidth = 900;

/** The grid as `image/png`, with captions and range also in words. */
export async function renderImageGrid(grid: ImageGrid): Promise<Display> {
  const text = imageGridText(grid);
  if (grid.images.length === 0) return { data: { "text/plain": text }, metadata: {} };
  const picture = await drawImageGrid(grid);
  if ("problem" in picture) {
    return { data: { "text/plain": `${text}\n(No picture: ${picture.problem})` }, metadata: {} };
  }
  const { base64, width, height } = picture;
  return {
    data: { "image/png": base64, "text/plain": text },
    metadata: { "image/png": { width, height, alt: text } },
  };
}

/** The grid as a picture, for cards that embed it. */
export function drawImageGrid({ images, range }: ImageGrid) {
  const pixels = images.map((image) => toPixels(image, range));
  const widest = Math.max(48, ...pixels.map(({ width, zoom }) => width * zoom));
  return draw({ type: "images", images: pixels, columns: Math.max(1, Math.floor(rowWidth / (widest + 12))) });
}

/** The grid in words: sizes, range, captions. */
function imageGridText({ images, range: [low, high] }: ImageGrid): string {
  const sizes = [...new Set(images.map(({ tensor }) => formatDims(tensor.dims)))].slice(0, 3).join(", ");
  const lines = [
    `${plural(images.length, "image")} ${sizes}, ${formatNumber(low)} black to ${formatNumber(high)} white`,
  ];
  for (const [i, { caption }] of images.slice(0, 12).entries()) lines.push(`${i + 1}. ${plainLine(caption)}`);
  if (images.length > 12) lines.push(`… ${images.length - 12} more`);
  return lines.join("\n");
}

/** The range becomes black to white; what is not a number becomes magenta, so that nobody takes it for a value. */
function toPixels({ tensor, caption }: CaptionedImage, [low, high]: readonly [number, number]): PixelImage {
  const [height = 1, width = 1] = tensor.dims.slice(-2);
  const channels = tensor.dims.length === 3 ? tensor.dims[0]! : 1;
  const size = height * width;
  const values = toFloat64(tensor);
  const rgb = new Uint8Array(size * 3);
  const span = high - low || 1;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[(channels === 3 ? c * size : 0) + i]!;
      const notANumber = c === 1 ? 0 : 255;
      rgb[3 * i + c] = Number.isNaN(value)
        ? notANumber
        : Math.round(255 * Math.min(1, Math.max(0, (value - low) / span)));
    }
  }
  const zoom = Math.max(1, Math.floor(imageSide / Math.max(height, width)));
  return { width, height, rgb, zoom, caption: plainLine(caption) };
}

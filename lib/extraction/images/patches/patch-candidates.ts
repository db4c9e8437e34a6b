/** Patches that may be behind a soft mask: rectangles of one colour or of the colours found, and their neighbours. */
import { tensor } from "../../../tensor/index.js";
import type { PatchTrigger } from "../../../trigger/index.js";
import type { ImageLayout } from "../image-model.js";

/** A rectangle of one colour, or with a colour per pixel. */
export interface Rectangle {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  /** Per channel, 0 for the lowest input and 1 for the highest; null for the colours of the search. */
  readonly colour: readonly number[] | null;
}

/** A patch to try: `[height * width]` and `[channels * height * width]` in input units. */
export interface Candidate {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
  readonly rectangle: Rectangle;
}

/** A mask and a pattern as a search by gradients left them, in the same units. */
export interface Soft {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
}

/** What candidates are made for. */
export interface PatchSpace {
  readonly layout: ImageLayout;
  readonly range: readonly [low: number, high: number];
}

/** Sides of the squares that are laid over the whole image, and of the rectangles over the strongest of the mask. */
const GRID_SIDES = [2, 3, 4] as const;
const MASK_SIDES = [1, 2, 3, 4, 5] as const;
/** Places per size over the mask. */
const PLACES = 6;
/** The grid has about as many places along a side as this. */
const GRID_PLACES = 14;

/** The patch of a rectangle. */
export function candidateOf(rectangle: Rectangle, soft: Soft, { layout, range }: PatchSpace): Candidate {
  const { row, column, rows, columns, colour } = rectangle;
  const { channels, height, width } = layout;
  const mask = new Float32Array(height * width);
  for (let y = row; y < row + rows; y++) mask.fill(1, y * width + column, y * width + column + columns);
  if (colour === null) return { mask, pattern: soft.pattern, rectangle };
  const pattern = new Float32Array(channels * height * width);
  colour.forEach((level, channel) => {
    pattern.fill(levelIn(range, level), channel * height * width, (channel + 1) * height * width);
  });
  return { mask, pattern, rectangle };
}

const levelIn = ([low, high]: readonly [number, number], level: number): number => low + level * (high - low);

/** The patch as a trigger. */
export const stamp = (
  { mask, pattern }: Candidate,
  { channels, height, width }: ImageLayout,
): PatchTrigger => ({
  kind: "trigger",
  type: "patch",
  mask: tensor("float32", [height, width], mask),
  pattern: tensor("float32", [channels, height, width], pattern),
});

/** Pixels that a patch replaces. */
export const pixelsOf = ({ mask }: Candidate): number => mask.reduce((sum, value) => sum + value, 0);

/** The same level in every channel; of three channels the eight saturated colours, as a sweep of squares has them. */
function plainColours(channels: number, levels: readonly number[]): number[][] {
  const grey = levels.map((level) => new Array<number>(channels).fill(level));
  if (channels !== 3) return grey;
  const saturated = Array.from({ length: 6 }, (_, i) => [(i + 1) & 1, ((i + 1) >> 1) & 1, (i + 1) >> 2]);
  return [...grey, ...saturated];
}

/** Rectangles that hold most of the mask, in the colours of the search and in plain ones. */
export function* overMask(soft: Soft, layout: ImageLayout): Iterable<Rectangle> {
  const colours = [null, ...plainColours(layout.channels, [0, 0.5, 1])];
  for (const rows of MASK_SIDES) {
    for (const columns of MASK_SIDES) {
      if (rows > layout.height || columns > layout.width || Math.abs(rows - columns) > 2) continue;
      for (const [row, column] of strongest(soft.mask, layout, rows, columns)) {
        for (const colour of colours) yield { row, column, rows, columns, colour };
      }
    }
  }
}

/** Squares of plain colours all over the image: what turns a model is often not where its trigger was planted. */
export function* overImage({ channels, height, width }: ImageLayout): Iterable<Rectangle> {
  const stride = Math.max(1, Math.ceil(Math.min(height, width) / GRID_PLACES));
  const colours = plainColours(channels, [0, 1]);
  for (const side of GRID_SIDES) {
    for (let row = 0; row + side <= height; row += stride) {
      for (let column = 0; column + side <= width; column += stride) {
        for (const colour of colours) yield { row, column, rows: side, columns: side, colour };
      }
    }
  }
}

/** Corners of the rectangles that hold most of the mask. */
function strongest(
  mask: Float32Array,
  { height, width }: ImageLayout,
  rows: number,
  columns: number,
): [number, number][] {
  const places: { at: [number, number]; held: number }[] = [];
  for (let y = 0; y + rows <= height; y++) {
    for (let x = 0; x + columns <= width; x++) {
      let held = 0;
      for (let dy = 0; dy < rows; dy++)
        for (let dx = 0; dx < columns; dx++) held += mask[(y + dy) * width + x + dx]!;
      places.push({ at: [y, x], held });
    }
  }
  return places
    .sort((a, b) => b.held - a.held)
    .slice(0, PLACES)
    .map(({ at }) => at);
}

/** The rectangle moved, grown or shrunk by one pixel on any side, or in another colour. */
export function* neighbours(from: Rectangle, { channels, height, width }: ImageLayout): Iterable<Rectangle> {
  for (const [up, left, down, right] of [-1, 0, 1].flatMap((a) =>
    [-1, 0, 1].flatMap((b) => [-1, 0, 1].flatMap((c) => [-1, 0, 1].map((d) => [a, b, c, d] as const))),
  )) {
    if (Math.abs(up) + Math.abs(left) + Math.abs(down) + Math.abs(right) > 2) continue;
    const row = from.row + up;
    const column = from.column + left;
    const rows = from.rows + down - up;
    const columns = from.columns + right - left;
    if (row < 0 || column < 0 || rows < 1 || columns < 1 || row + rows > height || column + columns > width)
      continue;
    if (up !== 0 || left !== 0 || down !== 0 || right !== 0) yield { ...from, row, column, rows, columns };
  }
  for (const colour of [null, ...otherColours(from.colour, channels)])
    if (colour?.join() !== from.colour?.join()) yield { ...from, colour };
}

/** Plain colours in quarters; of several channels also the same colour with one channel changed. */
function otherColours(from: readonly number[] | null, channels: number): (readonly number[])[] {
  const plain = plainColours(channels, [0, 0.25, 0.5, 0.75, 1]);
  if (from === null || channels === 1) return plain;
  const changed = from.flatMap((_, channel) => [0, 0.5, 1].map((level) => from.with(channel, level)));
  return [...plain, ...changed];
}

/** The patch with one pixel less, or with another colour in one pixel. */
export function* corrections(from: Candidate, { layout, range }: PatchSpace): Iterable<Candidate> {
  const { mask, pattern, rectangle } = from;
  const size = pixelsOf(from);
  for (let at = 0; at < mask.length; at++) {
    if (mask[at]! < 0.5) continue;
    if (size > 1) yield { mask: mask.with(at, 0), pattern, rectangle };
    for (const colour of plainColours(layout.channels, [0, 1])) {
      const copy = pattern.slice();
      colour.forEach((level, channel) => {
        copy[channel * mask.length + at] = levelIn(range, level);
      });
      if (differs(copy, pattern, at, mask.length)) yield { mask, pattern: copy, rectangle };
    }
  }
}

/** All changes of single pixels that each made `from` better; of two for one pixel the first. */
export function merge(from: Candidate, better: readonly Candidate[]): Candidate {
  const mask = from.mask.slice();
  const pattern = from.pattern.slice();
  const done = new Set<number>();
  const plane = mask.length;
  for (const change of better) {
    for (let at = 0; at < plane; at++) {
      const isChanged = change.mask[at] !== from.mask[at] || differs(change.pattern, from.pattern, at, plane);
      if (!isChanged || done.has(at)) continue;
      done.add(at);
      mask[at] = change.mask[at]!;
      for (let i = at; i < pattern.length; i += plane) pattern[i] = change.pattern[i]!;
    }
  }
  return { mask, pattern, rectangle: from.rectangle };
}

function differs(a: Float32Array, b: Float32Array, at: number, plane: number): boolean {
  for (let i = at; i < a.length; i += plane) if (a[i] !== b[i]) return true;
  return false;
}

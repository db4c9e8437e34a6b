/** Compares the outputs of two runs: texts with a tolerance for their numbers, pictures by their pixels. */
import { type Cell, isCode, isJsonMime, type MimeData, type Notebook, type Output, tagsOf } from "./types.js";

/** How much outputs may differ. */
export interface Tolerance {
  /** Largest relative difference of two numbers in the same place. */
  readonly numbers: number;
  /** Largest share of pixels that may look different. */
  readonly pixels: number;
}

export const defaultTolerance: Tolerance = { numbers: 1e-6, pixels: 0.01 };

/** One difference, in words. */
export interface Difference {
  readonly cell: string;
  readonly what: string;
  /** The cell raised an error that the saved outputs do not have. */
  readonly isNewError: boolean;
}

/** A channel that differs by more than this of its 255 steps looks different. */
const visibleStep = 16;

/**
 * Compares the saved outputs of a notebook with those of a new run of it.
 *
 * Streams are compared as a whole, displays and results one by one in their order. Figures are compared by their
 * data. A cell tagged `ignore-output` is not looked at.
 */
export async function compareOutputs(
  saved: Notebook,
  fresh: Notebook,
  tolerance: Tolerance = defaultTolerance,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [i, cell] of saved.cells.entries()) {
    const now = fresh.cells[i];
    if (!isCode(cell) || !now || !isCode(now) || tagsOf(cell).includes("ignore-output")) continue;
    const name = `cell ${i + 1} ("${cell.id}")`;
    const found = await compareCell(cell.outputs, now.outputs, tolerance);
    const isNewError = hasError(now) && !hasError(cell);
    differences.push(...found.map((what) => ({ cell: name, what, isNewError })));
  }
  return differences;
}

const hasError = (cell: Cell): boolean =>
  isCode(cell) && cell.outputs.some((output) => output.output_type === "error");

async function compareCell(
  before: readonly Output[],
  now: readonly Output[],
  tolerance: Tolerance,
): Promise<string[]> {
  const found: string[] = [];
  for (const name of ["stdout", "stderr"]) {
    const difference = compareText(streamOf(before, name), streamOf(now, name), tolerance.numbers);
    if (difference) found.push(`${name}: ${difference}`);
  }
  const [shownBefore, shownNow] = [before, now].map((outputs) =>
    outputs.filter((output) => output.output_type !== "stream"),
  ) as [Shown[], Shown[]];
  if (shownBefore.length !== shownNow.length) {
    found.push(
      `${shownNow.length} displays and results instead of ${shownBefore.length}${errorIn(shownNow)}`,
    );
    return found;
  }
  for (const [i, output] of shownBefore.entries()) {
    const difference = await compareShown(output, shownNow[i]!, tolerance);
    if (difference) found.push(`output ${i + 1}: ${difference}`);
  }
  return found;
}

type Shown = Exclude<Output, { output_type: "stream" }>;

function errorIn(outputs: readonly Shown[]): string {
  const error = outputs.find((output) => output.output_type === "error");
  return error ? ` (${error.ename}: ${error.evalue})` : "";
}

const streamOf = (outputs: readonly Output[], name: string): string =>
  outputs
    .map((output) => (output.output_type === "stream" && output.name === name ? output.text : ""))
    .join("");

async function compareShown(before: Shown, now: Shown, tolerance: Tolerance): Promise<string | undefined> {
  if (before.output_type !== now.output_type) {
    return `${now.output_type} instead of ${before.output_type}${errorIn([now])}`;
  }
  if (before.output_type === "error") {
    const { ename, evalue } = now as typeof before;
    return compareText(`${before.ename}: ${before.evalue}`, `${ename}: ${evalue}`, tolerance.numbers);
  }
  return compareData(before.data, (now as typeof before).data, tolerance);
}

async function compareData(
  before: MimeData,
  now: MimeData,
  tolerance: Tolerance,
): Promise<string | undefined> {
  const [typesBefore, typesNow] = [before, now].map((data) => Object.keys(data).sort().join(", "));
  if (typesBefore !== typesNow) return `types ${typesNow} instead of ${typesBefore}`;
  for (const [mime, value] of Object.entries(before)) {
    const difference = isJsonMime(mime)
      ? compareJson(value, now[mime], tolerance.numbers)
      : /^image\/(png|jpeg|gif|webp)$/.test(mime)
        ? await comparePictures(String(value), String(now[mime]), tolerance.pixels)
        : compareText(String(value), String(now[mime]), tolerance.numbers);
    if (difference) return `${mime}: ${difference}`;
  }
  return undefined;
}

const number = /[-\u2212]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:e[-+\u2212]?\d+)?/gi;
const colours = /\u001b\[[0-9;]*[A-Za-z]/g;
/** Time that an audit took, as its card says it: it is part of its cost, and no result. */
const timeOfCost = /(?<=\bCost: [^\n<]*, )[\d.,]+(?= s; seed)/g;

/** The first difference of two texts, or undefined. Numbers in the same place may differ by the tolerance. */
export function compareText(before: string, now: string, tolerance: number): string | undefined {
  if (before === now) return undefined;
  const [a, b] = [before, now].map((text) => text.replaceAll(colours, "").replaceAll(timeOfCost, "…")) as [
    string,
    string,
  ];
  const [wordsA, wordsB] = [a.split(number), b.split(number)];
  const different = wordsA.findIndex((word, i) => word !== wordsB[i]);
  if (different >= 0 || wordsA.length !== wordsB.length) {
    const at = firstDifference(a, b);
    return `${excerpt(b, at)} instead of ${excerpt(a, at)}`;
  }
  const [numbersA, numbersB] = [a.match(number) ?? [], b.match(number) ?? []];
  for (const [i, text] of numbersA.entries()) {
    const other = numbersB[i]!;
    if (text !== other && !isClose(readNumber(text), readNumber(other), tolerance)) {
      return `${other} instead of ${text}`;
    }
  }
  return undefined;
}

const readNumber = (text: string): number => Number(text.replaceAll(",", "").replaceAll("\u2212", "-"));

const isClose = (a: number, b: number, tolerance: number): boolean =>
  a === b ||
  (Number.isNaN(a) && Number.isNaN(b)) ||
  Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

const excerpt = (text: string, at: number): string =>
  JSON.stringify(text.slice(Math.max(0, at - 12), at + 40));

/** The first difference of two JSON values with its path, or undefined. */
export function compareJson(
  before: unknown,
  now: unknown,
  tolerance: number,
  path = "$",
): string | undefined {
  if (typeof before === "number" && typeof now === "number") {
    if (path.endsWith(".cost.seconds")) return undefined;
    return isClose(before, now, tolerance) ? undefined : `${path} is ${now} instead of ${before}`;
  }
  if (typeof before !== "object" || typeof now !== "object" || before === null || now === null) {
    return before === now
      ? undefined
      : `${path} is ${JSON.stringify(now)} instead of ${JSON.stringify(before)}`;
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  for (const key of keys) {
    if (!Object.hasOwn(before, key)) return `${path}.${key} is new`;
    if (!Object.hasOwn(now, key)) return `${path}.${key} is missing`;
    const [a, b] = [before, now].map((value) => (value as Record<string, unknown>)[key]);
    const difference = compareJson(a, b, tolerance, `${path}.${key}`);
    if (difference) return difference;
  }
  return undefined;
}

async function comparePictures(before: string, now: string, tolerance: number): Promise<string | undefined> {
  const [bytesA, bytesB] = [before, now].map((base64) => Buffer.from(base64, "base64")) as [Buffer, Buffer];
  if (bytesA.equals(bytesB)) return undefined;
  const { createCanvas, loadImage } = await import("@napi-rs/canvas");
  const pixels = async (bytes: Buffer) => {
    const image = await loadImage(bytes);
    const context = createCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  let a: Awaited<ReturnType<typeof pixels>>;
  let b: typeof a;
  try {
    [a, b] = await Promise.all([pixels(bytesA), pixels(bytesB)]);
  } catch {
    return "the bytes differ, and one of them is no picture";
  }
  if (a.width !== b.width || a.height !== b.height) {
    return `${b.width} × ${b.height} pixels instead of ${a.width} × ${a.height}`;
  }
  let different = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    const isVisible = [0, 1, 2, 3].some((c) => Math.abs(a.data[i + c]! - b.data[i + c]!) > visibleStep);
    if (isVisible) different++;
  }
  const share = different / (a.width * a.height);
  return share <= tolerance ? undefined : `${(share * 100).toPrecision(2)} % of the pixels look different`;
}

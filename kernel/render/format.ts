/** How numbers and names are written in every output. */

/** A number with at most `digits` significant digits: 0.9731, 12,345, 3.2e-9, NaN, ∞. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e15)
    return withSign(formatInteger(Math.abs(value)), value);
  const size = Math.abs(value);
  if (size >= 1e7 || Number(size.toPrecision(digits)) < 1e-4) {
    return withSign(size.toExponential(digits - 2).replace(/\.?0*e\+?/, "e"), value);
  }
  const rounded = Number(size.toPrecision(digits));
  return withSign(rounded >= 1e4 ? formatInteger(Math.round(rounded)) : String(rounded), value);
}

const withSign = (text: string, value: number): string => (value < 0 ? `−${text}` : text);

/** An integer with thin groups of three: 1,234,567. */
export const formatInteger = (value: number | bigint): string =>
  String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** A rate in [0, 1] as a percentage: 97.3 %. */
export const formatPercent = (rate: number, digits = 3): string => `${formatNumber(rate * 100, digits)} %`;

/** A rate with its interval: 97.3 % [94 %, 99.1 %]. */
export const formatRate = (rate: Rate, digits = 3): string =>
  `${formatPercent(rate.value, digits)} ${formatRateInterval(rate, digits)}`;

/** The interval of a rate: [94 %, 99.1 %]. */
export const formatRateInterval = ({ interval: [low, high] }: Rate, digits = 3): string =>
  `[${formatPercent(low, digits)}, ${formatPercent(high, digits)}]`;

interface Rate {
  readonly value: number;
  readonly interval: readonly [number, number];
}

/** `[0.94, 0.99]`, the interval of a number that is no rate. */
export const formatInterval = ([low, high]: readonly [number, number], digits = 4): string =>
  `[${formatNumber(low, digits)}, ${formatNumber(high, digits)}]`;

/** `1 image`, `2 images`. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${formatInteger(count)} ${count === 1 ? noun : nouns}`;

/** Dimensions of a tensor: `[8, 3, 28, 28]`. */
export const formatDims = (dims: readonly (number | string)[]): string => `[${dims.join(", ")}]`;

/** Text on one line for a terminal: control characters become visible, the rest is cut after `length`. */
export function plainLine(text: string, length = 200): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** Text of several lines for a terminal: each as `plainLine` has it, at most `lines` of them. */
export const plainText = (text: string, lines = 20, length = 400): string =>
  text
    .split("\n", lines)
    .map((line) => plainLine(line, length))
    .join("\n");

/** Values as plain JSON, for the JSON types of a bundle. */

/** Bounds of `toJson`. */
export interface JsonLimits {
  /** Longest JSON text that is still carried in an output. */
  readonly maxBytes: number;
  /** Significant digits that fractions are rounded to; all of them when absent. */
  readonly digits?: number;
  /** Replace control characters in texts: no picture can hold them. */
  readonly printable?: boolean;
}

/**
 * A value as plain JSON: typed arrays become lists, bigints become text, NaN and infinities become null,
 * functions are left out.
 *
 * @returns undefined if the JSON would be longer than `maxBytes`, or the value refers to itself.
 */
export function toJson(value: unknown, { maxBytes, digits, printable = false }: JsonLimits): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, item: unknown) => {
      if (typeof item === "number") return digits === undefined ? item : round(item, digits);
      if (typeof item === "bigint") return String(item);
      if (typeof item === "string" && printable)
        return item.replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, "\ufffd");
      if (!ArrayBuffer.isView(item) || !("length" in item)) return item;
      // A number takes at least two characters.
      if ((item.length as number) * 2 > maxBytes) throw new RangeError("too long");
      return Array.from(item as unknown as ArrayLike<unknown>);
    });
  } catch {
    return undefined;
  }
  return text === undefined || text.length > maxBytes ? undefined : JSON.parse(text);
}

const round = (value: number, digits: number): number =>
  Number.isInteger(value) || !Number.isFinite(value) ? value : Number(value.toPrecision(digits));

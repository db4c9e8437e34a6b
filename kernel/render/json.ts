/** Results as plain JSON for `application/vnd.assay.<kind>.v1+json`, so that programs can collect them. */

const maxBytes = 64 * 1024;

/**
 * A value as plain JSON: typed arrays become lists, bigints become text, NaN and infinities become null,
 * functions are left out.
 *
 * @returns undefined if the JSON would be longer than 64 KiB; large results are drawn, not carried along.
 */
export function toJson(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "bigint") return String(item);
    if (ArrayBuffer.isView(item) && "length" in item) {
      if ((item.length as number) > maxBytes) throw new TooLong();
      return Array.from(item as unknown as ArrayLike<unknown>);
    }
    return item;
  });
  return text === undefined || text.length > maxBytes ? undefined : JSON.parse(text);
}

class TooLong extends Error {}

/** `toJson`, and undefined for what JSON cannot say (cycles). */
export function tryJson(value: unknown): unknown {
  try {
    return toJson(value);
  } catch {
    return undefined;
  }
}

/** Harmless changes of inputs, as invariance clauses name them. */
import { AssayError } from "../errors.js";
import type { Generator } from "../random/index.js";
import { type Tensor, tensor, toFloat32 } from "../tensor/index.js";
import type { Change, Domain } from "./specification.js";

/**
 * Every example changed once, with its own random amounts.
 *
 * @throws AssayError TYPE_MISMATCH if the change does not fit the domain or the tensor.
 */
export function changed(inputs: Tensor, change: Change, domain: Domain, random: Generator): Tensor {
  switch (change.type) {
    case "shift":
      return shift(inputs, change.pixels, lowest(domain), random);
    case "mirror":
      return mirror(inputs);
    case "noise":
      return add(inputs, domain, () => {
        return () => (2 * random.uniform() - 1) * change.amplitude;
      });
    case "brightness":
      return add(inputs, domain, () => {
        const amount = (2 * random.uniform() - 1) * change.amount;
        return () => amount;
      });
    case "gain":
      return scale(inputs, domain, () => 10 ** (((2 * random.uniform() - 1) * change.decibels) / 20));
    case "delay":
      return delay(inputs, change.frames, random);
    case "drop-tokens":
      return dropTokens(inputs, change.count, domain, random);
    case "insert-tokens":
      return insertTokens(inputs, change, domain, random);
  }
}

const lowest = (domain: Domain): number =>
  domain.type === "image" || domain.type === "audio" ? domain.range[0] : 0;

function pictures(
  inputs: Tensor,
  what: string,
): { planes: number; height: number; width: number; perExample: number } {
  const [height, width] = inputs.dims.slice(-2);
  const n = inputs.dims[0];
  if (inputs.dims.length < 3 || !height || !width || !n) {
    throw new AssayError(
      "TYPE_MISMATCH",
      `spec: ${what} needs pictures [n, ..., height, width], got [${inputs.dims.join(", ")}].`,
      { dims: inputs.dims },
    );
  }
  const planes = inputs.data.length / (height * width);
  return { planes, height, width, perExample: planes / n };
}

function shift(inputs: Tensor, pixels: number, fill: number, random: Generator): Tensor {
  const { planes, height, width, perExample } = pictures(inputs, "shift");
  const from = toFloat32(inputs);
  const into = new Float32Array(from.length).fill(fill);
  let [dx, dy] = [0, 0];
  for (let plane = 0; plane < planes; plane++) {
    // All channels of an example move together, and never by nothing.
    if (plane % perExample === 0) {
      do {
        dx = random.integer(2 * pixels + 1) - pixels;
        dy = random.integer(2 * pixels + 1) - pixels;
      } while (dx === 0 && dy === 0);
    }
    for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
      for (let x = Math.max(0, dx); x < Math.min(width, width + dx); x++) {
        into[(plane * height + y) * width + x] = from[(plane * height + y - dy) * width + x - dx]!;
      }
    }
  }
  return tensor("float32", inputs.dims, into);
}

function mirror(inputs: Tensor): Tensor {
  const { planes, height, width } = pictures(inputs, "mirror");
  const into = toFloat32(inputs).slice();
  for (let row = 0; row < planes * height; row++) into.subarray(row * width, (row + 1) * width).reverse();
  return tensor("float32", inputs.dims, into);
}

function add(inputs: Tensor, domain: Domain, amounts: () => () => number): Tensor {
  return eachElement(inputs, domain, () => {
    const amount = amounts();
    return (value) => value + amount();
  });
}

function scale(inputs: Tensor, domain: Domain, factors: () => number): Tensor {
  return eachElement(inputs, domain, () => {
    const factor = factors();
    return (value) => value * factor;
  });
}

/** Changes numbers and keeps them in the domain's range; `changes` is asked once per example. */
function eachElement(inputs: Tensor, domain: Domain, changes: () => (value: number) => number): Tensor {
  if (domain.type === "tokens" || domain.type === "enumeration") {
    throw new AssayError(
      "TYPE_MISMATCH",
      "spec: this change is for numbers, not tokens; use drop-tokens.",
      {},
    );
  }
  const [low, high] =
    domain.type === "table" ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : domain.range;
  const from = toFloat32(inputs);
  const size = from.length / inputs.dims[0]!;
  const into = new Float32Array(from.length);
  for (let start = 0; start < from.length; start += size) {
    const change = changes();
    for (let i = start; i < start + size; i++) into[i] = Math.min(high, Math.max(low, change(from[i]!)));
  }
  return tensor("float32", inputs.dims, into);
}

/** Every row of the last axis of an example moves by the same number of frames, and never by nothing. */
function delay(inputs: Tensor, frames: number, random: Generator): Tensor {
  const from = toFloat32(inputs);
  const length = inputs.dims.at(-1)!;
  const size = from.length / inputs.dims[0]!;
  const into = new Float32Array(from.length);
  for (let start = 0; start < from.length; start += size) {
    const amount = 1 + random.integer(frames);
    const by = random.uniform() < 0.5 ? amount : -amount;
    for (let row = start; row < start + size; row += length) {
      for (let t = Math.max(0, by); t < Math.min(length, length + by); t++)
        into[row + t] = from[row + t - by]!;
    }
  }
  return tensor("float32", inputs.dims, into);
}

function dropTokens(inputs: Tensor, count: number, domain: Domain, random: Generator): Tensor {
  const { ids, length, padding } = tokensOf(inputs, domain, "drop-tokens");
  const into = ids.slice();
  for (let start = 0; start < into.length; start += length) {
    const filled = [...Array(length).keys()].filter((i) => into[start + i] !== padding);
    const order = random.permutation(filled.length).subarray(0, count);
    for (const i of order) into[start + filled[i]!] = padding;
  }
  return tensor("int64", inputs.dims, into);
}

function insertTokens(
  inputs: Tensor,
  { count, from }: Extract<Change, { type: "insert-tokens" }>,
  domain: Domain,
  random: Generator,
): Tensor {
  const { ids, length, padding } = tokensOf(inputs, domain, "insert-tokens");
  const into = new BigInt64Array(ids.length);
  for (let start = 0; start < ids.length; start += length) {
    const tokens = [...ids.subarray(start, start + length)];
    const filled = tokens.filter((id) => id !== padding).length;
    for (let k = 0; k < count; k++) {
      const place = random.integer(Math.min(filled + k, length - 1) + 1);
      tokens.splice(place, 0, BigInt(from[random.integer(from.length)]!));
    }
    into.set(tokens.slice(0, length), start);
  }
  return tensor("int64", inputs.dims, into);
}

function tokensOf(
  inputs: Tensor,
  domain: Domain,
  what: string,
): { ids: BigInt64Array; length: number; padding: bigint } {
  if (domain.type !== "tokens" || !(inputs.data instanceof BigInt64Array)) {
    throw new AssayError("TYPE_MISMATCH", `spec: ${what} needs int64 token ids and a domain of tokens.`, {});
  }
  return { ids: inputs.data, length: inputs.dims.at(-1)!, padding: BigInt(domain.padding ?? 0) };
}

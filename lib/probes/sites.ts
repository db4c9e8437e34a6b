/** Where a probe may read: taps, and single positions of them. */
import { AssayError } from "../errors.js";
import {
  concatExamples,
  type Examples,
  isOneTensor,
  requireRepeatable,
  type Tensor,
} from "../tensor/index.js";

/** Activations of the same examples at several taps, each in one tensor or in chunks that can be read again. */
export type Taps = Readonly<Record<string, Examples>>;

/** One place to read, of training and held-out examples; cut out when it is asked for. */
export interface Site {
  readonly tap: string;
  readonly position: number | null;
  x(): Examples;
  readonly heldOut: (() => Examples) | undefined;
}

/** Elements of chunks up to which a site is put together: 128 MB of floats. */
const GATHERED = 2 ** 25;

/** The sites of some taps: each as a whole, or at the positions given. */
export function sitesOf(
  train: Taps,
  heldOut: Taps | undefined,
  positions: readonly number[] | "all" | undefined,
): Site[] {
  return Object.keys(train).flatMap((tap): Site[] => {
    const x = train[tap]!;
    const other = heldOut?.[tap];
    requireRepeatable(x, `sweep, tap "${tap}"`);
    const dims = positions === undefined ? [] : firstOf(x, tap).dims;
    if (positions === undefined || dims.length !== 3) {
      return [{ tap, position: null, x: () => together(x), heldOut: other && (() => other) }];
    }
    return resolved(positions, dims[1]!, tap).map((position) => ({
      tap,
      position,
      x: () => together(eachAt(x, position)),
      heldOut: other && (() => eachAt(other, position)),
    }));
  });
}

/** One tensor, where all chunks are small enough together; they would be read again for every fold else. */
function together(x: Examples): Examples {
  if (isOneTensor(x)) return x;
  let size = 0;
  const parts: Tensor[] = [];
  for (const part of x) {
    size += part.data.length;
    if (size > GATHERED) return x;
    parts.push(part);
  }
  return concatExamples(parts);
}

function firstOf(x: Examples, tap: string): Tensor {
  if (isOneTensor(x)) return x;
  for (const part of x) return part;
  throw new AssayError("SHAPE_MISMATCH", `sweep: tap "${tap}" has no chunk of examples.`, { tap });
}

/** One position of each tensor. */
function eachAt(x: Examples, position: number): Examples {
  if (isOneTensor(x)) return atPosition(x, position);
  return {
    *[Symbol.iterator]() {
      for (const part of x) yield atPosition(part, position);
    },
  };
}

function resolved(positions: readonly number[] | "all", length: number, tap: string): number[] {
  if (positions === "all") return Array.from({ length }, (_, position) => position);
  return positions.map((position) => {
    const at = position < 0 ? length + position : position;
    if (!Number.isInteger(at) || at < 0 || at >= length) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `sweep: tap "${tap}" has ${length} positions and none at ${position}.`,
        { tap, position },
      );
    }
    return at;
  });
}

/** [n, width] of [n, position, width]. */
function atPosition(x: Tensor, position: number): Tensor {
  const [n = 0, length = 0, width = 0] = x.dims;
  if (x.dims.length !== 3 || position >= length) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `sweep: held-out activations [${x.dims.join(", ")}] have no position ${position}.`,
      { dims: x.dims, position },
    );
  }
  const data = new Float64Array(n * width);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < width; j++) data[i * width + j] = Number(x.data[(i * length + position) * width + j]);
  }
  return { type: "float64", dims: [n, width], data };
}

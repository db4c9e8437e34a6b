/** Where a probe may read: taps, and single positions of them. */
import { AssayError } from "../errors.js";
import type { Tensor } from "../tensor/index.js";

/** Activations of the same examples at several taps. */
export type Taps = Readonly<Record<string, Tensor>>;

/** One place to read, of training and held-out examples; cut out when it is asked for. */
export interface Site {
  readonly tap: string;
  readonly position: number | null;
  x(): Tensor;
  readonly heldOut: (() => Tensor) | undefined;
}

/** The sites of some taps: each as a whole, or at the positions given. */
export function sitesOf(
  train: Taps,
  heldOut: Taps | undefined,
  positions: readonly number[] | "all" | undefined,
): Site[] {
  return Object.keys(train).flatMap((tap): Site[] => {
    const x = train[tap]!;
    const other = heldOut?.[tap];
    if (positions === undefined || x.dims.length !== 3) {
      return [{ tap, position: null, x: () => x, heldOut: other && (() => other) }];
    }
    return resolved(positions, x.dims[1]!, tap).map((position) => ({
      tap,
      position,
      x: () => atPosition(x, position),
      heldOut: other && (() => atPosition(other, position)),
    }));
  });
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

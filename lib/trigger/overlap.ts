/** How much of one trigger another one is. */
import { AssayError } from "../errors.js";
import type { PatchTrigger } from "./trigger.js";

/**
 * Intersection over union of the pixels that two patches replace (those whose mask is above one half): 1 for the
 * same pixels, 0 for none in common.
 *
 * Shows recovery, where success shows only that something works. Misleads for triggers that work wherever they are.
 *
 * @throws AssayError SHAPE_MISMATCH for images of different sizes.
 * @example
 * trigger.overlap(recovered, planted)   // 0.33
 */
export function overlap(a: PatchTrigger, b: PatchTrigger): number {
  const [first, second] = [a.mask.data as Float32Array, b.mask.data as Float32Array];
  if (a.mask.dims.join() !== b.mask.dims.join()) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `overlap: one mask is [${a.mask.dims.join(", ")}], the other [${b.mask.dims.join(", ")}].`,
      { first: a.mask.dims, second: b.mask.dims },
    );
  }
  let both = 0;
  let either = 0;
  first.forEach((value, i) => {
    const isIn = value > 0.5;
    const isOther = second[i]! > 0.5;
    if (isIn && isOther) both++;
    if (isIn || isOther) either++;
  });
  return either === 0 ? 1 : both / either;
}

/** Whether inputs lie in the domain that a specification speaks about. */
import { AssayError } from "../errors.js";
import { type Tensor, toFloat64 } from "../tensor/index.js";
import type { Domain } from "./specification.js";

/** Rounding of float32 at the ends of a range. */
const slack = 1e-6;

/**
 * Refuses inputs outside the domain. A model that was trained on values from 0 to 1 and is checked on values from 0
 * to 255 gives numbers that look like results: the commonest mistake of audits, and easily noticed here.
 *
 * @throws AssayError INVALID_ARGUMENT that names the first value outside, NOT_FINITE for NaN and infinity.
 */
export function checkInputs(inputs: Tensor, domain: Domain, who: string): void {
  const values = toFloat64(inputs);
  const width = values.length / (inputs.dims[0] || 1);
  const bounds = boundsOf(domain, width);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const place = { example: Math.floor(i / width), element: i % width, value };
    if (!Number.isFinite(value)) {
      throw new AssayError(
        "NOT_FINITE",
        `${who}: example ${place.example} holds ${value} at element ${place.element}.`,
        place,
      );
    }
    const { low, high, what } = bounds(i % width);
    if (value < low - slack * Math.abs(low) - slack || value > high + slack * Math.abs(high) + slack) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `${who}: example ${place.example} holds ${value} at element ${place.element}, but ${what} from ${low} to ${high}. Bring the inputs to the units of the specification, or correct its domain.`,
        place,
      );
    }
  }
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly what: string;
}

function boundsOf(domain: Domain, width: number): (element: number) => Bounds {
  const all = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, what: "" };
  switch (domain.type) {
    case "image":
    case "audio": {
      const [low, high] = domain.range;
      const own = { low, high, what: `the specification's ${domain.type} range is` };
      return () => own;
    }
    case "tokens": {
      const own = { low: 0, high: domain.vocabulary - 1, what: "the specification's token ids run" };
      return () => own;
    }
    case "enumeration": {
      const own = { low: 0, high: domain.symbols - 1, what: "the specification's symbols run" };
      return () => own;
    }
    case "table": {
      const { columns = [] } = domain;
      const own = columns.map(({ name, range }) =>
        range ? { low: range[0], high: range[1], what: `column "${name}" is specified` } : all,
      );
      // Windows of several rows repeat the columns.
      return (element) =>
        columns.length > 0 && width % columns.length === 0 ? own[element % columns.length]! : all;
    }
  }
}

/** Bars over numbered places, one colour for each series: counts or shares that need no interval. */
import { AssayError } from "../errors.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say } from "./style.js";

/** With more places than this, bars of several series side by side become stripes: they are laid over each other. */
const MANY = 30;

/** Options of {@link bars}. */
export interface BarOptions {
  /** What the heights are. */
  readonly label: string;
  /** What the places are. */
  readonly places: string;
  readonly title?: string;
}

/**
 * Bars at places 0, 1, 2 …, series side by side, or over each other where there are many places.
 *
 * @param series Heights by name. For rates that were estimated draw `estimates`, which has intervals.
 * @throws AssayError INVALID_ARGUMENT if there is nothing to draw.
 * @example
 * plots.bars({ model: sharesWrong }, { label: "share wrong", places: "largest symbol" })
 */
export function bars(
  series: Readonly<Record<string, ArrayLike<number>>>,
  { label, places, title = label }: BarOptions,
): Figure {
  const all = Object.entries(series).map(([name, heights]) => [name, Array.from(heights)] as const);
  if (all.length === 0 || all.some(([, heights]) => heights.length === 0)) {
    throw new AssayError("INVALID_ARGUMENT", "plots.bars: there is nothing to draw.");
  }
  const isMany = all.length > 1 && all.some(([, heights]) => heights.length > MANY);
  return {
    kind: "figure",
    data: all.map(([name, heights], index) => ({
      type: "bar",
      name,
      x: heights.map((_, place) => place),
      y: heights,
      marker: isMany
        ? { color: faint(colourOf(index), 0.45), line: { color: colourOf(index), width: 1 } }
        : { color: colourOf(index) },
    })),
    layout: layout(title, {
      xaxis: axis(places),
      yaxis: axis(label, { rangemode: "tozero" }),
      ...(isMany ? { barmode: "overlay", bargap: 0 } : { bargap: 0.1 }),
    }),
    description: all
      .slice(0, 4)
      .map(([name, heights]) => `${name}: ${describeHeights(heights)}`)
      .join("\n"),
  };
}

/** The highest bars by place. */
function describeHeights(heights: readonly number[]): string {
  const top = Math.max(...heights);
  const at = [...heights.keys()].filter((place) => heights[place]! >= top - 1e-12);
  const where = at.length > 12 ? `${at.length} places` : at.join(", ");
  return `highest ${say(top)} at ${where}; ${heights.filter((height) => height === 0).length} of ${heights.length} are 0`;
}

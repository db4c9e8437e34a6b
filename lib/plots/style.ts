/** What all figures share: colours that colour-blind readers can tell apart, and axes without fixed colours. */

/** Okabe and Ito's palette, in the order in which series take them. */
const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888"] as const;

/** Colour of the series at `index`. */
export const colourOf = (index: number): string => palette[index % palette.length]!;

/** The same colour, see-through, for bands and bars. */
export function faint(colour: string, opacity = 0.18): string {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${opacity})`;
}

/**
 * Shares from 0 to 1 in a map. Opaque: the viewer chooses the colour of a cell's text by the cell alone, and on a dark
 * page would write dark on dark where the cell lets the page through.
 */
export const shareScale = [
  [0, "#EAF3F9"],
  [1, "#0072B2"],
] as const;

/** An axis with a title. */
export const axis = (title: string, extra: Readonly<Record<string, unknown>> = {}) => ({
  title: { text: title },
  zeroline: false,
  automargin: true,
  ...extra,
});

/** Layout of a figure of one panel. */
export const layout = (title: string, extra: Readonly<Record<string, unknown>> = {}) => ({
  title: { text: title, font: { size: 14 } },
  margin: { l: 60, r: 20, t: 44, b: 50 },
  height: 360,
  width: 640,
  legend: { orientation: "h", y: -0.27 },
  ...extra,
});

/** Layout of two panels side by side; the second uses `xaxis2` and `yaxis2`. */
export function twoPanels(
  title: string,
  left: { readonly x: object; readonly y: object },
  right: { readonly x: object; readonly y: object },
) {
  return layout(title, {
    width: 920,
    xaxis: { ...left.x, domain: [0, 0.45] },
    yaxis: left.y,
    xaxis2: { ...right.x, domain: [0.57, 1], anchor: "y2" },
    yaxis2: { ...right.y, anchor: "x2" },
  });
}

/** A number for a description: four significant digits. */
export const say = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));

/** `0.97 [0.94, 0.99]`. */
export const sayEstimate = ({
  value,
  interval: [low, high],
}: {
  readonly value: number;
  readonly interval: readonly [number, number];
}): string => `${say(value)} [${say(low)}, ${say(high)}]`;

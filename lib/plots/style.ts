/** What all figures share: colours that colour-blind readers can tell apart, and axes without fixed colours. */

/** Okabe and Ito's palette, in the order in which series take them. */
const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888"] as const;

/** What stands for them on a dark page, where some are too dim. */
const onDark: Readonly<Record<string, string>> = {
  "#0072B2": "#56A9E8",
  "#D55E00": "#FF8A3C",
  "#009E73": "#2CC796",
  "#CC79A7": "#E39AC4",
  "#888888": "#A6A6A6",
};

/** Colour of the series at `index`. */
export const colourOf = (index: number): string => palette[index % palette.length]!;

/** The same colour, see-through, for bands and bars. */
export function faint(colour: string, opacity = 0.18): string {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${opacity})`;
}

/** A filled area without a line, around the points in their order. */
export const area = (outline: readonly (readonly [number, number])[], fillcolor: string) => ({
  type: "scatter",
  mode: "lines",
  x: outline.map(([x]) => x),
  y: outline.map(([, y]) => y),
  fill: "toself",
  fillcolor,
  line: { width: 0 },
  hoverinfo: "skip",
  showlegend: false,
});

/** The area between two curves over the same places. */
export const band = (x: readonly number[], low: readonly number[], high: readonly number[], colour: string) =>
  area(
    [...x.map((at, i) => [at, high[i]!] as const), ...x.map((at, i) => [at, low[i]!] as const).reverse()],
    colour,
  );

/**
 * Shares from 0 to 1 in a map. Opaque: the viewer chooses the colour of a cell's text by the cell alone, and on a dark
 * page would write dark on dark where the cell lets the page through.
 */
export const shareScale = [
  [0, "#EAF3F9"],
  [1, "#0072B2"],
] as const;

/** An axis with a title, which keeps clear of the ticks whatever their width. */
export const axis = (title: string, extra: Readonly<Record<string, unknown>> = {}) => ({
  title: { text: title, standoff: 8 },
  zeroline: false,
  automargin: true,
  // "1.5e-7", and plain decades on logarithmic axes: "150n" and "2M" are for electricians.
  exponentformat: extra["type"] === "log" ? "none" : "e",
  minexponent: 5,
  ...extra,
});

/** Characters of a title that fit on a telephone, and of an axis, which has long names of rows beside it. */
const [NARROW_TITLE, NARROW_AXIS] = [40, 28];

/** What viewers need to know to fit a figure to a narrow place and to a dark page. */
const meta = (narrow: Readonly<Record<string, unknown>>) => ({ narrow, dark: onDark });

/**
 * Layout of a figure of one panel. Where there is much less room than `width`, viewers apply `meta.narrow`, a change
 * in the form of plotly's `relayout`: it breaks long titles. On a dark page they put the colours of `meta.dark` in
 * the place of others.
 */
export const layout = (title: string, extra: Readonly<Record<string, unknown>> = {}) => ({
  title: { text: title, font: { size: 14 } },
  margin: { l: 20, r: 20, t: 44, b: 20 },
  height: 360,
  width: 640,
  meta: meta({ ...narrowTitle(title), ...narrowAxis(extra["xaxis"]) }),
  // At the bottom of the picture: what the axis needs is reserved above it, long names of ticks included.
  legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0 },
  ...extra,
});

/** The two axes of one panel. */
export interface Panel {
  readonly xaxis: object;
  readonly yaxis: object;
}

function narrowTitle(title: string): Readonly<Record<string, unknown>> {
  const text = wrapped(title, NARROW_TITLE);
  return { "title.text": text, "margin.t": 26 + 18 * text.split("<br>").length };
}

function narrowAxis(xaxis: unknown): Readonly<Record<string, unknown>> {
  const { title } = (xaxis ?? {}) as { readonly title?: { readonly text: string } };
  if (title === undefined || title.text.length <= NARROW_AXIS) return {};
  return { "xaxis.title.text": wrapped(title.text, NARROW_AXIS) };
}

/** Layout of two panels side by side, where there is no room below each other; the second uses `xaxis2` and `yaxis2`. */
export function twoPanels(title: string, left: Panel, right: Panel) {
  return layout(title, {
    width: 920,
    xaxis: { ...left.xaxis, domain: [0, 0.45] },
    yaxis: left.yaxis,
    xaxis2: { ...right.xaxis, domain: [0.57, 1], anchor: "y2" },
    yaxis2: { ...right.yaxis, anchor: "x2" },
    meta: meta({
      ...narrowTitle(title),
      height: 640,
      "xaxis.domain": [0, 1],
      "yaxis.domain": [0.6, 1],
      "xaxis2.domain": [0, 1],
      "yaxis2.domain": [0, 0.42],
    }),
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

/** A name in lines of about `length` characters, broken at spaces. */
export function wrapped(name: string, length: number): string {
  const lines: string[] = [];
  for (const word of name.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join("<br>");
}

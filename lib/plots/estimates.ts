/** Estimates side by side, each with its interval: clauses of several models, scores of several layers. */
import { AssayError } from "../errors.js";
import type { Estimate } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, layout, sayEstimate, wrapped } from "./style.js";

/** Names of rows are broken after about so many characters, so that they leave room for the picture. */
const LONGEST_LINE = 34;

/** Options of {@link estimates}. */
export interface EstimatesOptions {
  /** What the numbers are, e.g. "violation rate". */
  readonly label: string;
  readonly title?: string;
  /** What the rows are. Default "estimate of". */
  readonly rows?: string;
  /** Draws a line at this value, e.g. what is allowed, or chance. */
  readonly line?: number;
  /** Range of the axis. Default: [0, 1]. */
  readonly range?: readonly [number, number];
}

/**
 * Points with error bars, one row for each name and one colour for each series.
 *
 * @param series Estimates by name, by series; names of all series are shown in the order of their first appearance.
 * @throws AssayError INVALID_ARGUMENT if there is no estimate.
 * @example
 * plots.estimates({ model: { shirts: wilson(80, 100) }, twin: { shirts: wilson(82, 100) } }, { label: "accuracy" })
 */
export function estimates(
  series: Readonly<Record<string, Readonly<Record<string, Estimate>>>>,
  { label, title = label, rows = "estimate of", line, range = [0, 1] }: EstimatesOptions,
): Figure {
  const names = [...new Set(Object.values(series).flatMap((one) => Object.keys(one)))];
  if (names.length === 0) {
    throw new AssayError("INVALID_ARGUMENT", "plots.estimates: there is no estimate to draw.");
  }
  const all = Object.entries(series);
  // Series keep apart from each other within a row.
  const offset = (index: number): number => (all.length === 1 ? 0 : (index / (all.length - 1) - 0.5) * 0.5);
  const data = all.map(([name, own], index) => {
    const shown = names.filter((one) => own[one] !== undefined);
    const values = shown.map((one) => own[one]!);
    return {
      type: "scatter",
      mode: "markers",
      name,
      x: values.map(({ value }) => value),
      y: shown.map((one) => names.indexOf(one) + offset(index)),
      error_x: {
        type: "data",
        symmetric: false,
        array: values.map(({ value, interval }) => interval[1] - value),
        arrayminus: values.map(({ value, interval }) => value - interval[0]),
        thickness: 1.5,
        width: 4,
      },
      marker: {
        color: colourOf(index),
        size: 8,
        symbol: ["circle", "square", "diamond", "cross"][index % 4],
      },
      text: shown,
      hovertemplate: "%{text}: %{x:.4g}<extra>%{fullData.name}</extra>",
    };
  });
  const labels = names.map((name) => wrapped(name, LONGEST_LINE));
  const lines = labels.map((label) => label.split("<br>"));
  const span = range[1] - range[0];
  const longest = Math.max(...lines.flat().map((text) => text.length));
  const mostLines = Math.max(...lines.map(({ length }) => length));
  return {
    kind: "figure",
    data,
    layout: layout(title, {
      height: 150 + names.length * Math.max(34 + (all.length > 2 ? 10 : 0), 12 + 16 * mostLines),
      width: Math.min(920, 420 + 7 * longest),
      // A little wider, so that rates of 0 and 1 lie clear of the names of the rows and of the edge.
      xaxis: axis(label, { range: [range[0] - 0.03 * span, range[1] + 0.03 * span] }),
      yaxis: axis(rows, {
        tickmode: "array",
        tickvals: names.map((_, row) => row),
        ticktext: labels,
        range: [names.length - 0.4, -0.6],
      }),
      shapes:
        line === undefined
          ? []
          : [
              {
                type: "line",
                x0: line,
                x1: line,
                yref: "paper",
                y0: 0,
                y1: 1,
                line: { dash: "dot", width: 1.5, color: "#888888" },
              },
            ],
    }),
    description: all
      .map(
        ([name, own]) =>
          `${name}: ${Object.entries(own)
            .map(([one, estimate]) => `${one} ${sayEstimate(estimate)}`)
            .join("; ")}`,
      )
      .slice(0, 4)
      .join("\n"),
  };
}

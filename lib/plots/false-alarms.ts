/** How often a rule accuses the innocent, against how much it looks at. */
import type { Estimate } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, layout, sayEstimate } from "./style.js";

/**
 * False-alarm rate against the number of classes, with 95 % intervals and the rate that was promised.
 *
 * @param rates A rate per number of classes.
 * @param options.promised The rate that the rule is said to have. Default 0.05.
 * @example
 * plots.falseAlarms([5, 10, 20].map((classes) => ({ classes, rate: extraction.madFalseAlarmRate(classes, { seed: 1 }) })))
 */
export function falseAlarms(
  rates: readonly { readonly classes: number; readonly rate: Estimate }[],
  options: { readonly promised?: number; readonly rule?: string } = {},
): Figure {
  const { promised = 0.05, rule = "anomaly index above 2" } = options;
  const classes = rates.map((point) => point.classes);
  const values = rates.map(({ rate }) => rate.value);
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "lines+markers",
        name: rule,
        x: classes,
        y: values,
        error_y: {
          type: "data",
          symmetric: false,
          array: rates.map(({ rate }) => rate.interval[1] - rate.value),
          arrayminus: rates.map(({ rate }) => rate.value - rate.interval[0]),
        },
        marker: { color: colourOf(1), size: 9 },
        line: { color: colourOf(1) },
      },
      {
        type: "scatter",
        mode: "lines",
        name: "promised",
        x: [Math.min(...classes), Math.max(...classes)],
        y: [promised, promised],
        line: { color: colourOf(6), dash: "dash" },
      },
    ],
    layout: layout("Clean models accused", {
      xaxis: axis("number of classes", { type: "log", tickvals: classes, ticktext: classes.map(String) }),
      yaxis: axis("share of clean models", { range: [0, 1], tickformat: ".0%" }),
    }),
    description: [
      `Share of clean models that the rule "${rule}" accuses, by number of classes; promised was ${promised}.`,
      rates.map((point) => `${point.classes} classes: ${sayEstimate(point.rate)}`).join("; "),
    ].join("\n"),
  };
}

/** Curves over layers and over numbers of examples. */
import type { FewShotCurve, LayerSweep } from "../probes/index.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say, sayEstimate } from "./style.js";

/** AUROC by layer with its interval, the selected layer marked, and its held-out figure. */
export function layerSweep({ layers, selected, heldOut, folds }: LayerSweep): Figure {
  const names = layers.map(({ tap }) => tap);
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "lines+markers",
        name: `cross-validated (${folds} folds)`,
        x: names,
        y: layers.map(({ crossValidated }) => crossValidated.value),
        error_y: {
          type: "data",
          symmetric: false,
          array: layers.map(({ crossValidated: { value, interval } }) => interval[1] - value),
          arrayminus: layers.map(({ crossValidated: { value, interval } }) => value - interval[0]),
        },
        line: { color: colourOf(0) },
      },
      {
        type: "scatter",
        mode: "markers",
        name: "selected, held out",
        x: [selected.tap],
        y: [heldOut.auroc.value],
        error_y: {
          type: "data",
          symmetric: false,
          array: [heldOut.auroc.interval[1] - heldOut.auroc.value],
          arrayminus: [heldOut.auroc.value - heldOut.auroc.interval[0]],
        },
        marker: { color: colourOf(1), symbol: "diamond", size: 12 },
      },
      {
        type: "scatter",
        mode: "lines",
        name: "chance",
        x: names,
        y: names.map(() => 0.5),
        line: { color: "#888888", dash: "dash", width: 1 },
      },
    ],
    layout: layout(`Best layer: ${selected.tap}`, {
      xaxis: axis("layer", { type: "category" }),
      yaxis: axis("AUROC"),
    }),
    description: [
      `Selected by cross-validation: ${selected.tap} (l2 = ${say(selected.l2)}, AUROC ${sayEstimate(selected.crossValidated)}).`,
      `On held-out examples it reaches ${sayEstimate(heldOut.auroc)}, n = ${heldOut.n}.`,
      `Other layers: ${layers.map(({ tap, crossValidated }) => `${tap} ${say(crossValidated.value)}`).join(", ")}.`,
    ].join("\n"),
  };
}

/** AUROC by number of labelled examples; the band spans all draws. */
export function fewShotCurve({ shots, series, draws, n }: FewShotCurve): Figure {
  return {
    kind: "figure",
    data: series.flatMap(({ name, points, isControl }, i) => [
      {
        type: "scatter",
        mode: "lines",
        x: [...shots, ...[...shots].reverse()],
        y: [...points.map(({ high }) => high), ...points.map(({ low }) => low).reverse()],
        fill: "toself",
        fillcolor: faint(colourOf(i), 0.12),
        line: { width: 0 },
        hoverinfo: "skip",
        showlegend: false,
      },
      {
        type: "scatter",
        mode: "lines+markers",
        name: isControl ? `control: ${name}` : name,
        x: [...shots],
        y: points.map(({ mean }) => mean),
        line: { color: colourOf(i), dash: isControl ? "dot" : "solid" },
      },
    ]),
    layout: layout(`AUROC by labelled examples (${draws} draws each)`, {
      xaxis: axis("labelled examples per class", {
        type: "log",
        tickvals: [...shots],
        ticktext: shots.map(String),
      }),
      yaxis: axis("AUROC"),
    }),
    description: [
      `AUROC on ${n} held-out examples, mean over ${draws} draws [lowest, highest].`,
      ...series.map(
        ({ name, points }) =>
          `${name}: ${points.map(({ mean, low, high }, k) => `${shots[k]} per class ${say(mean)} [${say(low)}, ${say(high)}]`).join("; ")}`,
      ),
    ].join("\n"),
  };
}

/** Curves over layers and over numbers of examples. */
import type { FewShotCurve, LayerSweep, SweptLayer } from "../probes/index.js";
import type { Estimate } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, band, colourOf, faint, layout, say, sayEstimate, shareScale } from "./style.js";

/** AUROC by layer with its interval, or by layer and position; the selected one marked, with its held-out figure. */
export function layerSweep(result: LayerSweep): Figure {
  const { layers, selected, heldOut, folds, selection, warnings } = result;
  const judged =
    selection === "held-out"
      ? `On held-out examples it reaches ${sayEstimate(heldOut.auroc)}, n = ${heldOut.n}.`
      : `Selected anew in each of ${folds} outer folds (${selection.join(", ")}), it reaches ${sayEstimate(heldOut.auroc)} on the examples left out, n = ${heldOut.n}.`;
  return {
    kind: "figure",
    ...(layers.some(({ position }) => position !== null) ? map(result) : line(result)),
    description: [
      `Selected by cross-validation: ${siteOf(selected)} (l2 = ${say(selected.l2)}, AUROC ${sayEstimate(selected.crossValidated)}).`,
      judged,
      `Other layers: ${layers.map((layer) => `${siteOf(layer)} ${say(layer.crossValidated.value)}`).join(", ")}.`,
      ...warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}

const siteOf = ({ tap, position }: SweptLayer): string => (position === null ? tap : `${tap} @ ${position}`);

type Drawn = Pick<Figure, "data" | "layout">;

/** Layers down, positions across. */
function map({ layers, selected, heldOut }: LayerSweep): Drawn {
  const taps = [...new Set(layers.map(({ tap }) => tap))];
  const positions = [...new Set(layers.map(({ position }) => position))].sort(
    (a, b) => (a ?? -1) - (b ?? -1),
  );
  const across = positions.map((position) => (position === null ? "whole" : String(position)));
  const cell = (tap: string, position: number | null): SweptLayer | undefined =>
    layers.find((layer) => layer.tap === tap && layer.position === position);
  return {
    data: [
      {
        type: "heatmap",
        x: across,
        y: taps,
        z: taps.map((tap) => positions.map((position) => cell(tap, position)?.crossValidated.value ?? null)),
        text: taps.map((tap) =>
          positions.map((position) => {
            const found = cell(tap, position);
            return found ? sayEstimate(found.crossValidated) : "";
          }),
        ),
        zmin: 0.5,
        zmax: 1,
        hovertemplate: "%{y}, position %{x}: %{text}<extra></extra>",
        colorscale: shareScale,
        colorbar: { title: { text: "AUROC" } },
      },
      {
        type: "scatter",
        mode: "markers",
        name: `selected, ${sayEstimate(heldOut.auroc)} on unseen examples`,
        x: [selected.position === null ? "whole" : String(selected.position)],
        y: [selected.tap],
        marker: { color: colourOf(1), symbol: "diamond-open", size: 14, line: { width: 2 } },
      },
    ],
    layout: layout(`Best site: ${siteOf(selected)}`, {
      xaxis: axis("position", { type: "category", categoryorder: "array", categoryarray: across }),
      yaxis: axis("layer", {
        type: "category",
        categoryorder: "array",
        categoryarray: taps,
        autorange: "reversed",
      }),
      showlegend: true,
    }),
  };
}

/** One point per layer. */
function line({ layers, selected, heldOut, folds }: LayerSweep): Drawn {
  const names = layers.map(({ tap }) => tap);
  const bars = (estimates: readonly Estimate[]) => ({
    type: "data",
    symmetric: false,
    array: estimates.map(({ value, interval }) => interval[1] - value),
    arrayminus: estimates.map(({ value, interval }) => value - interval[0]),
  });
  return {
    data: [
      {
        type: "scatter",
        mode: "lines+markers",
        name: `cross-validated (${folds} folds)`,
        x: names,
        y: layers.map(({ crossValidated }) => crossValidated.value),
        error_y: bars(layers.map(({ crossValidated }) => crossValidated)),
        line: { color: colourOf(0) },
      },
      {
        type: "scatter",
        mode: "markers",
        name: "selected, on unseen examples",
        x: [selected.tap],
        y: [heldOut.auroc.value],
        error_y: bars([heldOut.auroc]),
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
  };
}

/** AUROC by number of labelled examples; the band spans all draws. */
export function fewShotCurve({ shots, series, draws, n, warnings }: FewShotCurve): Figure {
  return {
    kind: "figure",
    data: series.flatMap(({ name, points, isControl }, i) => [
      band(
        shots,
        points.map(({ low }) => low),
        points.map(({ high }) => high),
        // The controls' bands are wide, and there are several of them.
        faint(colourOf(i), isControl ? 0.07 : 0.25),
      ),
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
      ...warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}

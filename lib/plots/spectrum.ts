/** Eigenvalues of a covariance against the spectrum of noise. */
import type { CovarianceSpectrum } from "../anomaly/index.js";
import { marchenkoPastur } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say } from "./style.js";

/** Eigenvalues below this share of the noise's edge are gathered in the first bar. */
const SMALLEST = 1e-3;

/**
 * A histogram of the eigenvalues on a logarithmic axis, with Marchenko and Pastur's density; those above the edge of
 * noise are marked one by one. Densities are per factor of ten.
 */
export function covarianceSpectrum(spectrum: CovarianceSpectrum): Figure {
  const { eigenvalues, noiseVariance, noiseEdge, signals, n, d } = spectrum;
  const law = marchenkoPastur(d / (n - 1));
  const alive = eigenvalues.subarray(0, Math.min(d, n - 1));
  const low = Math.log10(Math.max(alive.at(-1)!, noiseEdge * SMALLEST));
  const high = Math.log10(Math.max(alive[0]!, noiseEdge) * 1.05);
  const bins = Math.max(12, Math.min(80, Math.ceil(Math.sqrt(alive.length) * 2)));
  const width = (high - low) / bins;
  const heights = new Float64Array(bins);
  for (const value of alive) {
    const bin = Math.floor((Math.log10(value) - low) / width);
    heights[Math.min(bins - 1, Math.max(0, bin))]! += 1 / (alive.length * width);
  }
  const edges = Array.from({ length: bins + 1 }, (_, bin) => 10 ** (low + bin * width));
  const start = Math.log10(Math.max(noiseVariance * law.range[0], noiseEdge * SMALLEST));
  const x = Array.from(
    { length: 200 },
    (_, i) => 10 ** (start + ((i + 0.5) / 200) * (Math.log10(noiseEdge) - start)),
  );
  const listed = [...alive.subarray(0, Math.min(signals, 200))];
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "lines",
        name: "eigenvalues",
        // Bars as an outline: their widths differ on a logarithmic axis.
        x: edges.flatMap((edge) => [edge, edge]),
        y: [0, ...[...heights].flatMap((height) => [height, height]), 0],
        fill: "tozeroy",
        fillcolor: faint(colourOf(0), 0.45),
        line: { color: colourOf(0), width: 1 },
      },
      {
        type: "scatter",
        mode: "lines",
        name: "noise alone (Marchenko-Pastur)",
        x,
        y: x.map((value) => (law.density(value / noiseVariance) / noiseVariance) * value * Math.LN10),
        line: { color: colourOf(2), width: 2 },
      },
      {
        type: "scatter",
        mode: "markers",
        name: `above noise (${signals})`,
        x: listed,
        y: listed.map(() => 0),
        marker: { color: colourOf(1), size: 10, symbol: "line-ns-open", line: { width: 2 } },
      },
    ],
    layout: layout(`${signals} of ${d} directions hold more than noise`, {
      xaxis: axis(spectrum.isStandardised ? "eigenvalue (standardised features)" : "eigenvalue", {
        type: "log",
      }),
      yaxis: axis("density per factor of ten", { rangemode: "tozero" }),
    }),
    description: [
      `Eigenvalues of ${d} features over ${n} examples: largest ${say(eigenvalues[0]!)}, median ${say(alive[alive.length >> 1]!)}.`,
      `Noise of variance ${say(noiseVariance)} would end at ${say(noiseEdge)}; ${signals} eigenvalues lie above.`,
      ...spectrum.warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}

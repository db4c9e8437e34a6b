/** Eigenvalues of a covariance against the spectrum of noise. */
import type { CovarianceSpectrum } from "../anomaly/index.js";
import { marchenkoPastur } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, colourOf, faint, layout, say } from "./style.js";

/**
 * A histogram of the eigenvalues up to a little beyond the edge of noise, with Marchenko and Pastur's density; the
 * eigenvalues above the edge are drawn one by one.
 */
export function covarianceSpectrum(spectrum: CovarianceSpectrum): Figure {
  const { eigenvalues, noiseVariance, noiseEdge, signals, n, d } = spectrum;
  const law = marchenkoPastur(d / (n - 1));
  const alive = eigenvalues.subarray(0, Math.min(d, n - 1));
  const bulk = alive.filter((value) => value <= noiseEdge);
  const bins = Math.max(8, Math.min(60, Math.ceil(Math.sqrt(bulk.length) * 1.5)));
  const width = noiseEdge / bins;
  const heights = new Float64Array(bins);
  for (const value of bulk) {
    heights[Math.min(bins - 1, Math.max(0, Math.floor(value / width)))]! += 1 / (alive.length * width);
  }
  const x = Array.from({ length: 200 }, (_, i) => ((i + 0.5) / 200) * noiseEdge);
  const listed = [...alive.subarray(0, Math.min(signals, 200))];
  return {
    kind: "figure",
    data: [
      {
        type: "bar",
        name: "eigenvalues",
        x: Array.from(heights, (_, bin) => (bin + 0.5) * width),
        y: [...heights],
        width,
        marker: { color: faint(colourOf(0), 0.55), line: { color: colourOf(0), width: 1 } },
      },
      {
        type: "scatter",
        mode: "lines",
        name: "noise alone (Marchenko-Pastur)",
        x,
        y: x.map((value) => law.density(value / noiseVariance) / noiseVariance),
        line: { color: colourOf(2), width: 2 },
      },
      {
        type: "scatter",
        mode: "markers",
        name: `above noise (${signals})`,
        x: listed,
        y: listed.map(() => 0),
        marker: { color: colourOf(1), size: 9, symbol: "line-ns-open", line: { width: 2 } },
      },
    ],
    layout: layout(`${signals} of ${d} directions hold more than noise`, {
      xaxis: axis(spectrum.isStandardised ? "eigenvalue (standardised features)" : "eigenvalue"),
      yaxis: axis("density", { rangemode: "tozero" }),
      bargap: 0,
    }),
    description: [
      `Eigenvalues of ${d} features over ${n} examples: largest ${say(eigenvalues[0]!)}, median ${say(alive[alive.length >> 1]!)}.`,
      `Noise of variance ${say(noiseVariance)} would end at ${say(noiseEdge)}; ${signals} eigenvalues lie above.`,
      ...spectrum.warnings.map((warning) => `Warning: ${warning}`),
    ].join("\n"),
  };
}

/** Confusion matrices as pictures. */
import type { ConfusionMatrix } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { axis, layout, say, sayEstimate, shareScale } from "./style.js";

/** Up to this many classes each cell says its count. */
const maxWritten = 24;

/** Answers across, labels down, shaded by the share of the label's examples; the cells say their counts. */
export function confusion(matrix: ConfusionMatrix): Figure {
  const { names, counts, accuracy, majorityRate, kappa, recalls, n } = matrix;
  const k = names.length;
  const rowOf = (a: number): number[] => [...counts.subarray(a * k, (a + 1) * k)];
  const totals = names.map((_, a) => rowOf(a).reduce((sum, count) => sum + count, 0));
  const side = Math.min(720, Math.max(360, 160 + 34 * k));
  const worst = recalls
    .map((recall, a) => ({ recall, name: names[a]! }))
    .filter(({ recall }) => recall !== null)
    .sort((a, b) => a.recall!.value - b.recall!.value)[0];
  const isWritten = k <= maxWritten;
  const categories = { type: "category", categoryorder: "array", categoryarray: names };
  return {
    kind: "figure",
    data: [
      {
        type: "heatmap",
        x: names,
        y: names,
        z: names.map((_, a) => rowOf(a).map((count) => (totals[a] === 0 ? 0 : count / totals[a]!))),
        zmin: 0,
        zmax: 1,
        text: names.map((_, a) => rowOf(a).map(String)),
        ...(isWritten && { texttemplate: "%{text}" }),
        hovertemplate: "label %{y}, answered %{x}: %{text} (%{z:.1%} of the label)<extra></extra>",
        colorscale: shareScale,
        colorbar: { title: { text: "share of label" }, tickformat: ".0%" },
        xgap: 1,
        ygap: 1,
      },
    ],
    layout: layout(`Accuracy ${sayEstimate(accuracy)}`, {
      xaxis: axis("answer", categories),
      yaxis: axis("label", { ...categories, autorange: "reversed" }),
      width: side + 90,
      height: side,
    }),
    description: [
      `Confusion matrix of ${n} examples and ${k} classes: accuracy ${sayEstimate(accuracy)}, always answering the most frequent label ${say(majorityRate.value)}${kappa ? `, kappa ${sayEstimate(kappa)}` : ""}.`,
      ...(worst ? [`Least recalled: ${worst.name}, ${sayEstimate(worst.recall!)}.`] : []),
      ...mistakes(matrix),
    ].join("\n"),
  };
}

/** The most frequent mistakes, in words. */
function mistakes({ names, counts }: ConfusionMatrix): string[] {
  const k = names.length;
  const wrong = [...counts.keys()]
    .filter((at) => at % (k + 1) !== 0 && counts[at]! > 0)
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, 3)
    .map((at) => `${names[Math.floor(at / k)]} answered as ${names[at % k]} ${counts[at]} times`);
  return wrong.length === 0 ? ["No mistakes."] : [`Most frequent mistakes: ${wrong.join(", ")}.`];
}

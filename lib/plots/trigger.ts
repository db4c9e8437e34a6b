/** Pictures of a trigger search: mask sizes beside clean models, and the trigger itself. */
import type { RecoveredTrigger, TriggerSearch } from "../extraction/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import { apply } from "../trigger/index.js";
import type { Figure } from "./figure.js";
import { type CaptionedImage, type ImageGrid, imageGrid } from "./image-grid.js";
import { axis, colourOf, layout, say } from "./style.js";

/**
 * Size of the smallest trigger of each class, beside the same class of each clean reference.
 *
 * @param options.classNames Names of the classes. Default: their numbers.
 */
export function triggerSearch(
  search: TriggerSearch,
  options: { classNames?: readonly string[] } = {},
): Figure {
  const { candidates, references, target, pValue, decision } = search;
  const nameOf = (k: number): string => options.classNames?.[k] ?? String(k);
  const names = candidates.map((candidate) => nameOf(candidate.target));
  const found = candidates.find((candidate) => candidate.target === target)!;
  const own = (isTarget: boolean) => {
    const shown = candidates.filter((candidate) => (candidate.target === target) === isTarget);
    return {
      type: "scatter",
      mode: "markers",
      name: isTarget ? "most unusual class" : "this model",
      x: shown.map((candidate) => nameOf(candidate.target)),
      y: shown.map(({ maskL1Norm }) => maskL1Norm),
      marker: {
        color: colourOf(isTarget ? 1 : 0),
        size: isTarget ? 13 : 9,
        symbol: isTarget ? "diamond" : "circle",
      },
    };
  };
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "markers",
        name: "clean references",
        x: candidates.flatMap(({ target: k, referenceL1Norms }) => referenceL1Norms.map(() => nameOf(k))),
        y: candidates.flatMap(({ referenceL1Norms }) => [...referenceL1Norms]),
        marker: { color: colourOf(6), size: 8, symbol: "line-ew-open", line: { width: 2 } },
      },
      own(false),
      own(true),
    ],
    layout: layout(`${search.model}: ${decision}, p = ${sayPValue(pValue)}`, {
      xaxis: axis("target class", { type: "category", categoryorder: "array", categoryarray: names }),
      yaxis: axis("pixels of the smallest trigger", { type: "log", tickvals: ticks }),
      legend: { orientation: "h", y: -0.32 },
    }),
    description: [
      `Smallest trigger of each class in ${search.model} and in ${references.length} clean references, in pixels (L1 norm of the mask).`,
      `Most unusual: class ${nameOf(target)} with ${say(found.maskL1Norm)} pixels${
        found.referenceL1Norms.length > 0
          ? `, ${found.referenceL1Norms.map(say).join(", ")} in the references`
          : ""
      }; p = ${sayPValue(pValue)}.`,
    ].join("\n"),
  };
}

/**
 * A recovered mask, the pattern under it, and some images before and after the trigger is put on them.
 *
 * @param examples Images `[n, channels, height, width]`; the first four are shown.
 * @param range Lowest and highest input value. Default `[0, 1]`.
 */
export function triggerPictures(
  { trigger, shape, target }: RecoveredTrigger,
  examples: Tensor,
  range: readonly [number, number] = [0, 1],
): ImageGrid {
  const { mask, pattern } = trigger;
  const plane = mask.data.length;
  const [low, high] = range;
  const scaled = { ...mask, data: mask.data.map((value) => low + (high - low) * value) };
  const under = {
    ...pattern,
    data: pattern.data.map((value, i) => low + (value - low) * mask.data[i % plane]!),
  };
  const images: CaptionedImage[] = [
    { tensor: scaled, caption: `${shape} to class ${target}` },
    { tensor: under, caption: "pattern under it" },
  ];
  const stamped = apply(trigger, examples);
  for (let i = 0; i < Math.min(4, examples.dims[0]!); i++) {
    images.push({ tensor: single(examples, i), caption: `image ${i + 1}` });
    images.push({ tensor: single(stamped, i), caption: "with trigger" });
  }
  return imageGrid(images, { range });
}

const ticks = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** A p-value to one digit: more would be noise of its simulation. */
const sayPValue = (value: number): string => String(Number(value.toPrecision(1)));

const single = (images: Tensor, row: number): Tensor => {
  const one = takeExamples(images, [row]);
  return { ...one, dims: one.dims.slice(1) };
};

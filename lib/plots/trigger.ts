/** Pictures of a trigger search: mask sizes beside clean models, and the trigger itself. */
import type { RecoveredTrigger, Scan, TriggerSearch } from "../extraction/index.js";
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
  const { candidates, references, target, pValue, decision, model } = search;
  return triggerSizes({
    title: `${model}: ${decision}, p = ${sayPValue(pValue)}`,
    what: `in ${model} and in ${references.length} clean references`,
    axisTitle: "target class",
    rows: candidates.map((candidate) => ({
      name: options.classNames?.[candidate.target] ?? String(candidate.target),
      own: candidate.maskL1Norm,
      references: candidate.referenceL1Norms,
      isTold: candidate.target === target,
    })),
    pValue,
  });
}

/** Most arms of a scan that are drawn; the most unusual ones. */
const DRAWN = 20;

/** Size of the smallest trigger of each arm of an audit's scan, beside clean references; the most unusual 20. */
export function auditScan(scan: Scan, model: string): Figure {
  const { arms, maskL1Norms, referenceL1Norms, calibration, name } = scan;
  const isPairs = arms.some(({ victim }) => victim !== null);
  const order = [...arms.keys()].sort((a, b) => calibration.scores[b]! - calibration.scores[a]!);
  const shown = isPairs || arms.length > DRAWN ? order.slice(0, DRAWN) : [...arms.keys()];
  return triggerSizes({
    title: name,
    what: `in ${model} and in ${referenceL1Norms.length} clean references`,
    axisTitle: isPairs ? "victim > target, the most unusual first" : "target class",
    rows: shown.map((i) => ({
      name: isPairs ? `${arms[i]!.victim} > ${arms[i]!.target}` : String(arms[i]!.target),
      own: maskL1Norms[i]!,
      references: referenceL1Norms.map((norms) => norms[i]!),
      isTold: i === calibration.target,
    })),
    pValue: calibration.pValue,
  });
}

interface Sizes {
  readonly title: string;
  readonly what: string;
  readonly axisTitle: string;
  readonly rows: readonly {
    readonly name: string;
    readonly own: number;
    readonly references: readonly number[];
    readonly isTold: boolean;
  }[];
  readonly pValue: number;
}

function triggerSizes({ title, what, axisTitle, rows, pValue }: Sizes): Figure {
  const own = (isTold: boolean) => {
    const shown = rows.filter((row) => row.isTold === isTold);
    return {
      type: "scatter",
      mode: "markers",
      name: isTold ? "most unusual" : "this model",
      x: shown.map(({ name }) => name),
      y: shown.map((row) => row.own),
      marker: {
        color: colourOf(isTold ? 1 : 0),
        size: isTold ? 13 : 9,
        symbol: isTold ? "diamond" : "circle",
      },
    };
  };
  const told = rows.find(({ isTold }) => isTold);
  return {
    kind: "figure",
    data: [
      {
        type: "scatter",
        mode: "markers",
        name: "clean references",
        x: rows.flatMap(({ name, references }) => references.map(() => name)),
        y: rows.flatMap(({ references }) => [...references]),
        marker: { color: colourOf(6), size: 8, symbol: "line-ew-open", line: { width: 2 } },
      },
      own(false),
      own(true),
    ],
    layout: layout(title, {
      xaxis: axis(axisTitle, {
        type: "category",
        categoryorder: "array",
        categoryarray: rows.map(({ name }) => name),
      }),
      yaxis: axis("pixels of the smallest trigger", { type: "log", tickvals: ticks }),
    }),
    description: [
      `Smallest trigger of each class ${what}, in pixels (L1 norm of the mask).`,
      ...(told
        ? [
            `Most unusual: ${axisTitle.startsWith("victim") ? "" : "class "}${told.name} with ${say(told.own)} pixels${
              told.references.length > 0 ? `, ${told.references.map(say).join(", ")} in the references` : ""
            }; p = ${sayPValue(pValue)}.`,
          ]
        : []),
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
const sayPValue = (value: number): string => String(Number(value.toPrecision(2)));

const single = (images: Tensor, row: number): Tensor => {
  const one = takeExamples(images, [row]);
  return { ...one, dims: one.dims.slice(1) };
};

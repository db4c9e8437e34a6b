import assert from "node:assert/strict";
import { closeDrawing } from "../../../kernel/render/drawing/client.js";
import { figurePng } from "../../../kernel/render/picture.js";
import * as plots from "../../../lib/plots/index.js";
import type { Result, ResultKind } from "../../../lib/results.js";
import { samples } from "../../kernel/render/samples/index.js";
import { smallModel } from "../onnx/models.js";

const first = <K extends ResultKind>(kind: K): Extract<Result, { kind: K }> => samples[kind][0]!;

/** What is drawn as something else than a figure. */
type NoFigure = "examples" | "imageGrid" | "tokenHeat" | "triggerPictures";
type FigureName = Exclude<
  {
    [K in keyof typeof plots]: (typeof plots)[K] extends (...args: never[]) => unknown ? K : never;
  }[keyof typeof plots],
  NoFigure
>;

/** One picture of every kind. A function of `plots` that is missing here does not compile. */
const figures: Readonly<Record<FigureName, () => plots.Figure>> = {
  bars: () => plots.bars({ a: [1, 0, 2], b: [0, 0, 1] }, { label: "count", places: "class" }),
  auditScan: () => plots.auditScan(first("audit").scans[0]!, "m.onnx"),
  confusion: () => plots.confusion(first("confusion-matrix")),
  covarianceSpectrum: () => plots.covarianceSpectrum(first("covariance-spectrum")),
  det: () => plots.det(first("det-curve")),
  detection: () => plots.detection(first("detection")),
  estimates: () =>
    plots.estimates(
      { a: { x: first("estimate") }, b: { x: first("estimate") } },
      { label: "rate", line: 0.5 },
    ),
  falseAlarms: () => plots.falseAlarms([5, 10].map((classes) => ({ classes, rate: first("estimate") }))),
  fewShotCurve: () => plots.fewShotCurve(first("few-shot-curve")),
  layerSweep: () => plots.layerSweep(first("layer-sweep")),
  modelGraph: () => plots.modelGraph(smallModel()),
  nullDistribution: () => plots.nullDistribution(first("monte-carlo-null"), { observed: 2 }),
  precisionRecall: () => plots.precisionRecall(first("precision-recall-curve")),
  probe: () => plots.probe(first("probe-evaluation")),
  quantiles: () => plots.quantiles(first("detection").clean),
  reliability: () => plots.reliability(first("reliability")),
  roc: () => plots.roc(first("roc-curve")),
  scores: () => plots.scores({ clean: first("detection").clean }, { threshold: 9 }),
  triggerSearch: () => plots.triggerSearch(first("trigger-search")),
};

/** Relative luminance of the Web Content Accessibility Guidelines. */
function luminance([r, g, b]: readonly number[]): number {
  const linear = [r!, g!, b!].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x! + 0.05) / (y! + 0.05);
}

const themes = { light: [255, 255, 255], dark: [17, 17, 17] } as const;

/** Every opaque colour of a trace: what its lines and markers are drawn in. */
function coloursOf(value: unknown): number[][] {
  if (typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value)) {
    return [[1, 3, 5].map((at) => Number.parseInt(value.slice(at, at + 2), 16))];
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  // The light end of a map's scale fills cells; it need not stand out from the page.
  return Object.entries(value).flatMap(([key, inner]) => (key === "colorscale" ? [] : coloursOf(inner)));
}

describe("every figure", () => {
  after(closeDrawing);
  for (const [name, draw] of Object.entries(figures)) {
    it(`leaves page, plot and text to the viewer's theme, and is seen on light and dark (${name})`, () => {
      const { data, layout } = draw();
      assert.ok(!("paper_bgcolor" in layout) && !("plot_bgcolor" in layout) && !("template" in layout));
      assert.doesNotMatch(JSON.stringify(layout), /"font":\{[^}]*"color"/);
      for (const [theme, page] of Object.entries(themes)) {
        for (const colour of data.flatMap((trace) => coloursOf(trace))) {
          assert.ok(contrast(colour, page) >= 2, `${colour} on a ${theme} page: ${contrast(colour, page)}`);
        }
      }
    });

    it(`fills the cells of maps with opaque colours, on which their text can be read in both themes (${name})`, () => {
      for (const trace of draw().data.filter(({ type }) => type === "heatmap")) {
        const scale = trace["colorscale"] as readonly (readonly [number, string])[];
        for (const [, colour] of scale) assert.match(colour, /^#[0-9a-f]{6}$/i);
      }
    });

    it(`says how it fits a telephone and a dark page (${name})`, () => {
      const { layout } = draw();
      const { narrow, dark } = layout["meta"] as {
        narrow: Readonly<Record<string, unknown>>;
        dark: Readonly<Record<string, string>>;
      };
      const longestWord = 20;
      for (const line of String(narrow["title.text"]).split("<br>")) {
        assert.ok(line.length <= 40 || !line.slice(0, -longestWord).includes(" "), line);
      }
      if ("xaxis2" in layout && name !== "modelGraph") {
        assert.deepEqual(
          [narrow["xaxis.domain"], narrow["xaxis2.domain"]],
          [
            [0, 1],
            [0, 1],
          ],
        );
        const [first, second] = [narrow["yaxis.domain"], narrow["yaxis2.domain"]] as number[][];
        assert.ok(second![1]! < first![0]!, "the second panel lies below the first");
      }
      for (const [dim, bright] of Object.entries(dark)) {
        const [before, after] = [dim, bright].map((colour) => contrast(coloursOf(colour)[0]!, themes.dark));
        assert.ok(after! > before! && after! >= 4.5, `${dim} to ${bright}: ${after}`);
      }
    });

    it(`says in words what it shows, with numbers (${name})`, () => {
      const { description, layout } = draw();
      assert.match(description, /\d/);
      assert.doesNotMatch(description, /undefined|NaN|\[object/);
      const axes = layout as Readonly<Record<string, { title?: { text: string } } | undefined>>;
      // A graph's places have no scale.
      if (name === "modelGraph") return;
      assert.ok(axes["xaxis"]?.title?.text && axes["yaxis"]?.title?.text, "axes have titles");
    });

    it(`is plain data that can be drawn without a browser (${name})`, async () => {
      const { data, layout } = draw();
      assert.ok("base64" in (await figurePng({ data, layout })));
    });
  }
});

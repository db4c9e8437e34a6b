import assert from "node:assert/strict";
import { roc, scores } from "../../../lib/plots/index.js";
import { rocCurve } from "../../../lib/stats/index.js";

describe("plots.roc", () => {
  const curve = rocCurve({ negatives: [0, 1, 2, 3], positives: [1.5, 2.5, 3.5] });

  it("draws a band that contains its curve, and the line of chance", () => {
    const [band, line, chance] = roc(curve).data as unknown as { x: number[]; y: number[]; name?: string }[];
    assert.deepEqual(line!.x, [...curve.falsePositiveRates]);
    assert.equal(chance!.name, "chance");
    const corners = band!.x.length / 2 - 1;
    line!.x.forEach((x, i) => {
      assert.ok(band!.x[1 + i]! <= x && band!.y[1 + i]! >= line!.y[i]!);
      const below = band!.x.length - 1 - i;
      assert.ok(band!.x[below]! >= x && band!.y[below]! <= line!.y[i]!, `${corners}`);
    });
  });

  it("keeps a long curve small without losing its ends", () => {
    const many = Array.from({ length: 3000 }, (_, i) => Math.sin(i * 12.9898));
    const [, line] = roc(rocCurve({ negatives: many, positives: many.map((x) => x + 0.5) }))
      .data as unknown as { x: number[] }[];
    assert.ok(line!.x.length <= 402);
    assert.deepEqual([line!.x[0], line!.x.at(-1)], [0, 1]);
  });
});

describe("plots.scores", () => {
  it("draws each group as a density of area 1 and says its size and range", () => {
    const { data, description } = scores({ clean: [1, 2, 3, 4, 5], suspect: [9, 10] }, { threshold: 6 });
    for (const trace of data.slice(0, 2) as unknown as { y: number[]; width: number }[]) {
      const area = trace.y.reduce((sum, y) => sum + y * trace.width, 0);
      assert.ok(Math.abs(area - 1) < 1e-12);
    }
    assert.match(description, /clean: 5 scores, median 3, from 1 to 5\nsuspect: 2 scores.*\nthreshold 6/);
  });

  it("draws positive scores that spread far on a logarithmic axis, with densities of area 1 per factor of ten", () => {
    const spread = (from: number) => Array.from({ length: 200 }, (_, i) => from * 1.02 ** i);
    const { data, layout } = scores({ clean: spread(1), suspect: spread(100) });
    assert.equal((layout["xaxis"] as { type: string }).type, "log");
    assert.equal((layout["yaxis"] as { title: { text: string } }).title.text, "density per factor of ten");
    for (const { x, y, width } of data as unknown as { x: number[]; y: number[]; width: number[] }[]) {
      const decades = x.map((centre, i) => Math.log10((centre + width[i]! / 2) / (centre - width[i]! / 2)));
      const area = y.reduce((sum, height, i) => sum + height * decades[i]!, 0);
      assert.ok(Math.abs(area - 1) < 1e-9, String(area));
    }
    // Scores that may be negative, such as logits, have no logarithm.
    assert.notEqual((scores({ a: [-1, 1, 100] }).layout["xaxis"] as { type?: string }).type, "log");
  });

  it("keeps the bars in sight of a density that has a pole", () => {
    const [bars, curve] = scores(
      { clean: Array.from({ length: 100 }, (_, i) => i / 10) },
      { density: { name: "pole", at: (score) => 1 / Math.max(score, 1e-9) } },
    ).data as unknown as { y: number[] }[];
    assert.ok(Math.max(...curve!.y) <= 1.5 * Math.max(...bars!.y));
  });

  it("survives groups without scores and scores that are all equal", () => {
    assert.deepEqual(scores({ clean: [] }).data, []);
    assert.equal(scores({ clean: [2, 2, 2] }).data.length, 1);
  });
});

import assert from "node:assert/strict";
import { estimates } from "../../../lib/plots/index.js";
import { wilson } from "../../../lib/stats/index.js";

describe("plots.estimates", () => {
  const series = {
    model: { shirts: wilson(80, 100), shoes: wilson(9, 10) },
    twin: { shoes: wilson(1, 10), bags: wilson(5, 10) },
  };

  it("puts every estimate in the row of its name, with its own interval", () => {
    const { data, layout } = estimates(series, { label: "accuracy" });
    const ticks = (layout["yaxis"] as { ticktext: string[] }).ticktext;
    assert.deepEqual(ticks, ["shirts", "shoes", "bags"]);
    Object.values(series).forEach((own, i) => {
      const { x, y, error_x } = data[i] as {
        x: number[];
        y: number[];
        error_x: { array: number[]; arrayminus: number[] };
      };
      Object.entries(own).forEach(([name, { value, interval }], k) => {
        assert.ok(Math.abs(y[k]! - ticks.indexOf(name)) < 0.5);
        assert.equal(x[k], value);
        assert.ok(Math.abs(x[k]! + error_x.array[k]! - interval[1]) < 1e-12);
        assert.ok(Math.abs(x[k]! - error_x.arrayminus[k]! - interval[0]) < 1e-12);
      });
    });
  });

  it("breaks long names, so that they leave room for the picture, and makes room for their lines", () => {
    const name = "moving by up to 1 pixel changes the answer on at most 10 % of inputs";
    const { layout } = estimates({ model: { [name]: wilson(1, 10) } }, { label: "rate" });
    const [tick] = (layout["yaxis"] as { ticktext: string[] }).ticktext;
    assert.equal(tick!.replaceAll("<br>", " "), name);
    assert.ok(tick!.split("<br>").every((line) => line.length <= 34));
    const short = estimates({ model: { x: wilson(1, 10) } }, { label: "rate" });
    assert.ok((layout["height"] as number) > (short.layout["height"] as number));
  });

  it("breaks a long title of its axis on a telephone", () => {
    const { layout } = estimates(series, { label: "AUROC, triggered spam against clean messages" });
    const { narrow } = layout["meta"] as { narrow: Record<string, string> };
    assert.equal(narrow["xaxis.title.text"], "AUROC, triggered spam<br>against clean messages");
  });

  it("says the numbers in words, and refuses to draw nothing", () => {
    assert.match(
      estimates(series, { label: "accuracy" }).description,
      /^model: shirts 0\.8 \[0\.7\d*, 0\.8\d*\]/,
    );
    assert.throws(() => estimates({}, { label: "x" }), { code: "INVALID_ARGUMENT" });
  });
});

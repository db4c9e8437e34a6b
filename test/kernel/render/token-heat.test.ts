import assert from "node:assert/strict";
import { JSDOM } from "jsdom";
import { render } from "../../../kernel/render/index.js";
import { tokenHeat } from "../../../lib/plots/index.js";

describe("token heat", () => {
  it("colours by sign and size, and says the numbers in words", async () => {
    const { data } = await render(
      tokenHeat(["buy", " now", "\n", "please"], [2, -1, 0, 0.5], { label: "gradient" }),
    );
    const { document } = new JSDOM(String(data["text/html"])).window;
    const spans = [...document.querySelectorAll("p span")] as HTMLElement[];
    assert.deepEqual(
      spans.map((span) => span.textContent),
      ["buy", " now", "⏎", "please"],
    );
    assert.deepEqual(
      spans.map((span) => span.title),
      ["2", "−1", "0", "0.5"],
    );
    assert.match(spans[0]!.style.backgroundColor, /230, 159, 0, 0\.6/);
    assert.match(spans[1]!.style.backgroundColor, /86, 180, 233, 0\.3/);
    assert.equal(spans[2]!.style.backgroundColor, "");
    assert.equal(data["text/plain"], "gradient: 4 tokens, from −1 to 2\n[buy: 2][ now: −1]⏎[please: 0.5]");
  });

  it("needs a value for each token", () => {
    assert.throws(() => tokenHeat(["a"], [1, 2], { label: "x" }), {
      code: "SHAPE_MISMATCH",
      message: /1 tokens have 2 values/,
    });
  });
});

import assert from "node:assert/strict";
import { render } from "../../../kernel/render/index.js";

describe("render", () => {
  it("lets a value draw itself through Symbol.for('Jupyter.display')", async () => {
    const bundle = { "text/html": "<b>own</b>", "text/plain": "own" };
    const { data } = await render({ [Symbol.for("Jupyter.display")]: async () => bundle });
    assert.deepEqual(data, bundle);
  });

  it("adds text/plain when the value's own bundle has none", async () => {
    const { data } = await render({ a: 1, [Symbol.for("Jupyter.display")]: () => ({ "image/png": "AA==" }) });
    assert.match(String(data["text/plain"]), /a: 1/);
  });

  it("shows the plain value and the reason when drawing itself fails", async () => {
    const { data } = await render({
      a: 1,
      [Symbol.for("Jupyter.display")]: () => {
        throw new Error("out of ink");
      },
    });
    assert.match(String(data["text/plain"]), /a: 1[\s\S]*out of ink/);
  });

  it("shows a user's object that only looks like a result as the object it is", async () => {
    const { data } = await render({ kind: "estimate", colour: "red" });
    assert.deepEqual(Object.keys(data), ["text/plain"]);
    assert.match(String(data["text/plain"]), /colour: 'red'/);
  });

  it("shows strings as they are and objects as util.inspect writes them", async () => {
    assert.equal((await render("a\nb")).data["text/plain"], "a\nb");
    assert.equal((await render(new Map([["a", 1]]))).data["text/plain"], "Map(1) { 'a' => 1 }");
    assert.match(String((await render(() => 1)).data["text/plain"]), /Function/);
    assert.equal((await render(null)).data["text/plain"], "null");
  });

  it("cuts a text that no viewer could open", async () => {
    const text = String((await render("x".repeat(3_000_000))).data["text/plain"]);
    assert.match(text.slice(-40), /x\n… 2,000,000 more characters$/);
  });

  it("survives objects whose getters, proxies and inspect methods throw", async () => {
    const fail = () => {
      throw new Error("trap");
    };
    const hostile = [
      Object.defineProperty({}, "kind", { get: fail }),
      new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
      { [Symbol.for("nodejs.util.inspect.custom")]: fail },
    ];
    for (const value of hostile) assert.equal(typeof (await render(value)).data["text/plain"], "string");
  });
});

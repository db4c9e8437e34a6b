import assert from "node:assert/strict";
import fc from "fast-check";
import { JSDOM } from "jsdom";
import { html } from "../../../kernel/render/html.js";

describe("the html template", () => {
  it("keeps any text as text, between tags and in attributes", () => {
    const { document } = new JSDOM("<body></body>").window;
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        // The parser itself turns carriage returns and NUL into other characters.
        fc.pre(!/[\r\0]/.test(text));
        document.body.innerHTML = html`<p title="${text}">${text}</p>`.toString();
        const { children } = document.body;
        assert.equal(children.length, 1);
        assert.equal(children[0]!.children.length, 0);
        assert.equal(children[0]!.textContent, text);
        assert.equal(children[0]!.getAttribute("title"), text);
      }),
    );
  });

  it("nests, joins lists and leaves nothing for null, undefined and false", () => {
    const rows = ["a", "<b>"].map((name) => html`<li>${name}</li>`);
    assert.equal(
      html`<ul>${rows}${null}${undefined}${false}</ul>`.toString(),
      "<ul><li>a</li><li>&#60;b&#62;</li></ul>",
    );
  });

  it("does not take an object that only looks like markup", () => {
    const forged = { toString: () => "<script>", markup: "<script>" } as unknown as string;
    assert.equal(html`${forged}`.toString(), "&#60;script&#62;");
  });

  const forbidden = [
    ["an external address", () => html`<img src="${"https://example.org/x.png"}">`],
    ["a script address", () => html`<a href="${"javascript:alert(1)"}">x</a>`],
    ["an event attribute", () => html`<p onclick="${"alert(1)"}">x</p>`],
    ["an unquoted attribute", () => html`<p title=${"x onclick=alert(1)"}>x</p>`],
    ["a tag name", () => html`<${"script"}>`],
    ["markup inside an attribute", () => html`<p title="${html`<b>x</b>`}">x</p>`],
    ["script source", () => html`<script>${"alert(1)"}</script>`],
    ["a style with an address", () => html`<p style="${"background:url('//x')"}">x</p>`],
  ] as const;
  for (const [name, make] of forbidden) {
    it(`refuses ${name}`, () => {
      assert.throws(make, { code: "INVALID_ARGUMENT" });
    });
  }

  it("takes fragments and PNG data as addresses", () => {
    assert.match(html`<a href="#${"part"}">x</a>`.toString(), /href="#part"/);
    assert.match(html`<img src="data:image/png;base64,${"AAAA"}">`.toString(), /base64,AAAA/);
  });
});

import assert from "node:assert/strict";
import { JSDOM } from "jsdom";
import { renderers, renderResult } from "../../../kernel/render/results/index.js";
import type { ResultKind } from "../../../lib/results.js";
import { samples } from "./samples/index.js";

const textOf = async (mime: string, kind: ResultKind, index: number): Promise<string | undefined> => {
  const { data } = await renderResult(samples[kind][index]!);
  return data[mime] as string | undefined;
};

describe("every renderer", () => {
  for (const kind of Object.keys(renderers) as ResultKind[]) {
    for (const index of samples[kind].keys()) {
      const name = `${kind}, sample ${index + 1}`;

      it(`has a readable text/plain (${name})`, async () => {
        const text = await textOf("text/plain", kind, index);
        assert.equal(typeof text, "string");
        assert.notEqual(text!.trim(), "");
        assert.doesNotMatch(
          text!,
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
          "control characters reach the terminal",
        );
        assert.doesNotMatch(text!, /\[object |undefined|<\/?(table|div|p|td)\b/);
      });

      it(`lets no name become markup, script or an address (${name})`, async () => {
        const markup = await textOf("text/html", kind, index);
        if (markup === undefined) return;
        const { document } = new JSDOM(markup).window;
        assert.equal(document.querySelectorAll("script, iframe, object, embed, link, style, form").length, 0);
        for (const element of document.querySelectorAll("*")) {
          for (const { name: attribute, value } of element.attributes) {
            assert.doesNotMatch(attribute, /^on/i);
            if (/^(src|href)$/.test(attribute)) assert.match(value, /^(#|data:image\/png;base64,)/);
            if (attribute === "style") assert.doesNotMatch(value, /url\(/);
          }
        }
      });

      it(`says in words what it shows, without its styles (${name})`, async () => {
        const markup = await textOf("text/html", kind, index);
        if (markup === undefined) return;
        const { document } = new JSDOM(markup).window;
        assert.notEqual(document.body.textContent!.trim(), "");
        for (const image of document.querySelectorAll("img")) assert.ok(image.getAttribute("alt"));
        for (const table of document.querySelectorAll("table")) assert.ok(table.querySelector("th[scope]"));
      });

      it(`never has HTML or SVG beside a figure (${name})`, async () => {
        const { data } = await renderResult(samples[kind][index]!);
        if (!("application/vnd.plotly.v1+json" in data)) return;
        assert.ok(!("text/html" in data) && !("image/svg+xml" in data));
      });

      it(`carries plain JSON only (${name})`, async () => {
        const { data } = await renderResult(samples[kind][index]!);
        for (const [mime, value] of Object.entries(data)) {
          if (mime.endsWith("json")) assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
          else assert.equal(typeof value, "string");
        }
      });
    }
  }
});

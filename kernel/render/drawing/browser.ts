/** A browser in name only: jsdom with plotly loaded and the measurements it needs. Used inside the worker. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Canvas, createCanvas } from "@napi-rs/canvas";
import { type DOMWindow, JSDOM, VirtualConsole } from "jsdom";
import { svgPathProperties } from "svg-path-properties";
import { boxOf, pageBoxOf } from "./boxes.js";

/** Draws a figure as SVG text. */
export type DrawSvg = (figure: unknown, size: { width: number; height: number }) => Promise<string>;

/** Starts jsdom, loads plotly into it and returns its drawing function. Takes about half a second. */
export function startBrowser(): DrawSvg {
  const { window } = new JSDOM("<!doctype html><body></body>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    // Plotly's notes on what it could not measure are of no use to the user of a still picture.
    virtualConsole: new VirtualConsole(),
  });
  fillGaps(window);
  const require = createRequire(import.meta.url);
  window.eval(readFileSync(require.resolve("plotly.js"), "utf8"));
  const toImage = window.eval(
    `(json, width, height) => Plotly.toImage(JSON.parse(json), { format: "svg", imageDataOnly: true, width, height })`,
  ) as (json: string, width: number, height: number) => Promise<string>;
  return (figure, { width, height }) => toImage(JSON.stringify(figure), width, height);
}

/** What plotly asks of a browser and jsdom does not have. */
function fillGaps(window: DOMWindow): void {
  const { SVGElement, Element, HTMLCanvasElement } = window;
  const define = (target: object, members: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(target, name, { value, writable: true, configurable: true });
    }
  };
  define(window.URL, { createObjectURL: () => "", revokeObjectURL: () => undefined });
  define(window, {
    matchMedia: () => ({ matches: false, addListener: () => undefined, addEventListener: () => undefined }),
  });
  define(SVGElement.prototype, {
    getBBox(this: Element) {
      return boxOf(this);
    },
    getComputedTextLength(this: Element) {
      return boxOf(this).width;
    },
    getTotalLength(this: Element) {
      return new svgPathProperties(this.getAttribute("d") ?? "M0,0").getTotalLength();
    },
    getPointAtLength(this: Element, length: number) {
      return new svgPathProperties(this.getAttribute("d") ?? "M0,0").getPointAtLength(length);
    },
  });
  define(Element.prototype, {
    getBoundingClientRect(this: Element) {
      if (!(this instanceof SVGElement)) return rectangle(0, 0, 0, 0);
      const { x, y, width, height } = pageBoxOf(this);
      return rectangle(x, y, width, height);
    },
  });
  define(HTMLCanvasElement.prototype, {
    getContext(this: HTMLCanvasElement, type: string) {
      return type === "2d" ? canvasOf(this).getContext("2d") : null;
    },
    toDataURL(this: HTMLCanvasElement) {
      return canvasOf(this).toDataURL("image/png");
    },
  });
}

const canvases = new WeakMap<HTMLCanvasElement, Canvas>();

function canvasOf(element: HTMLCanvasElement): Canvas {
  let canvas = canvases.get(element);
  if (!canvas || canvas.width !== element.width || canvas.height !== element.height) {
    canvas = createCanvas(element.width, element.height);
    canvases.set(element, canvas);
  }
  return canvas;
}

const rectangle = (x: number, y: number, width: number, height: number) => ({
  x,
  y,
  width,
  height,
  left: x,
  top: y,
  right: x + width,
  bottom: y + height,
});

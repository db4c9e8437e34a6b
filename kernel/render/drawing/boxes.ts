/** Sizes of SVG elements, which jsdom does not compute: what `getBBox` and `getBoundingClientRect` answer. */
import { svgPathProperties } from "svg-path-properties";
import { measureText } from "./fonts.js";

/** A rectangle in CSS pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const empty: Box = { x: 0, y: 0, width: 0, height: 0 };

/** The box of an element in its own coordinates. */
export function boxOf(element: Element): Box {
  const number = (name: string): number => Number.parseFloat(element.getAttribute(name) ?? "0") || 0;
  switch (element.tagName.toLowerCase()) {
    case "text":
    case "tspan":
      return textBox(element);
    case "rect":
    case "image":
      return { x: number("x"), y: number("y"), width: number("width"), height: number("height") };
    case "circle":
      return {
        x: number("cx") - number("r"),
        y: number("cy") - number("r"),
        width: 2 * number("r"),
        height: 2 * number("r"),
      };
    case "path":
      return pathBox(element.getAttribute("d") ?? "");
    case "svg":
      return { x: 0, y: 0, width: number("width"), height: number("height") };
    default:
      return union([...element.children].map((child) => moved(boxOf(child), child)));
  }
}

/** The box of an element on the page: its own, moved by every translation above it. */
export function pageBoxOf(element: Element): Box {
  let box = boxOf(element);
  for (let at: Element | null = element; at; at = at.parentElement) box = moved(box, at);
  return box;
}

function textBox(element: Element): Box {
  const lines = [...element.children].filter((child) => child.classList.contains("line"));
  if (lines.length > 0) return union(lines.map((line) => lineBox(line, element)));
  return lineBox(element, element);
}

/** One line of text: `dy` of its `tspan` moves it down by ems. */
function lineBox(line: Element, text: Element): Box {
  const size = fontSizeOf(line);
  const { width, ascent, descent } = measureText(line.textContent ?? "", size, isBold(line));
  const at = (name: string): number =>
    Number.parseFloat(line.getAttribute(name) ?? text.getAttribute(name) ?? "0") || 0;
  const shift = { start: 0, middle: width / 2, end: width }[anchorOf(line)] ?? 0;
  const dy = Number.parseFloat(line.getAttribute("dy") ?? "0") || 0;
  const isEm = (line.getAttribute("dy") ?? "").endsWith("em");
  return {
    x: at("x") - shift,
    y: at("y") + (isEm ? dy * size : dy) - ascent,
    width,
    height: ascent + descent,
  };
}

const inherited = (element: Element, property: string): string | undefined => {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const value = (at as SVGElement).style?.getPropertyValue(property) || at.getAttribute(property);
    if (value) return value;
  }
  return undefined;
};

const fontSizeOf = (element: Element): number =>
  Number.parseFloat(inherited(element, "font-size") ?? "12") || 12;
const isBold = (element: Element): boolean =>
  /^(bold|[6-9]00)$/.test(inherited(element, "font-weight") ?? "");
const anchorOf = (element: Element): "start" | "middle" | "end" =>
  (inherited(element, "text-anchor") ?? "start") as "start" | "middle" | "end";

function pathBox(d: string): Box {
  if (!d) return empty;
  const path = new svgPathProperties(d);
  const length = path.getTotalLength();
  const steps = 24;
  const points = Array.from({ length: steps + 1 }, (_, i) => path.getPointAtLength((length * i) / steps));
  return union(
    points.map(({ x, y }) => ({ x, y, width: 0, height: 0 })),
    true,
  );
}

function union(boxes: readonly Box[], withPoints = false): Box {
  const solid = withPoints ? boxes : boxes.filter((box) => box.width > 0 || box.height > 0);
  if (solid.length === 0) return empty;
  const x = Math.min(...solid.map((box) => box.x));
  const y = Math.min(...solid.map((box) => box.y));
  const right = Math.max(...solid.map((box) => box.x + box.width));
  const bottom = Math.max(...solid.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The box after the element's own transform: translations and rotations, the only ones plotly sets on text. */
function moved(box: Box, element: Element): Box {
  const transform = element.getAttribute("transform");
  if (!transform || (box.width === 0 && box.height === 0)) return box;
  let corners: [number, number][] = [
    [box.x, box.y],
    [box.x + box.width, box.y],
    [box.x, box.y + box.height],
    [box.x + box.width, box.y + box.height],
  ];
  for (const [, name, list] of [...transform.matchAll(/(\w+)\(([^)]*)\)/g)].reverse()) {
    const [a = 0, b = 0, c = 0] = list!.split(/[\s,]+/).map(Number);
    if (name === "translate") corners = corners.map(([x, y]) => [x + a, y + b]);
    if (name === "scale") corners = corners.map(([x, y]) => [x * a, y * (list!.includes(",") ? b : a)]);
    if (name === "rotate") {
      const [cos, sin] = [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)];
      corners = corners.map(([x, y]) => [
        b + (x - b) * cos - (y - c) * sin,
        c + (x - b) * sin + (y - c) * cos,
      ]);
    }
  }
  return union(
    corners.map(([x, y]) => ({ x, y, width: 0, height: 0 })),
    true,
  );
}

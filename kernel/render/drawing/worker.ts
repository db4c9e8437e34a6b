/** The drawing worker: keeps plotly and the canvas library, which take a second to load, off the session's thread. */
import { parentPort } from "node:worker_threads";
import { type DrawSvg, startBrowser } from "./browser.js";
import { registerFonts } from "./fonts.js";
import { drawImages } from "./images.js";
import type { Drawing, Job, JobResult } from "./jobs.js";
import { rasterise } from "./rasterise.js";

const defaultSize = { width: 700, height: 450 };
const largestSide = 4000;

let drawSvg: DrawSvg | undefined;
registerFonts();

parentPort!.on("message", async ({ id, drawing }: Job) => {
  let result: JobResult;
  try {
    result = { id, ...(await draw(drawing)) };
  } catch (error) {
    result = { id, problem: error instanceof Error ? error.message : String(error) };
  }
  parentPort!.postMessage(result);
});

async function draw(drawing: Drawing): Promise<{ png: Uint8Array; width: number; height: number }> {
  if (drawing.type === "images") return drawImages(drawing.images, drawing.columns);
  const { data, layout } = drawing.figure;
  const side = (name: "width" | "height"): number => {
    const value = layout[name];
    const wanted = typeof value === "number" && value > 0 ? value : defaultSize[name];
    return Math.round(Math.min(wanted, largestSide));
  };
  const size = { width: side("width"), height: side("height") };
  drawSvg ??= startBrowser();
  const svg = await drawSvg({ data, layout: { ...layout, ...size } }, size);
  return { png: await rasterise(svg, size), ...size };
}

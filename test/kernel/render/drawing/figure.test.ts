import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { closeDrawing } from "../../../../kernel/render/drawing/client.js";
import { render } from "../../../../kernel/render/index.js";
import { type Figure, imageGrid } from "../../../../lib/plots/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { packageRoot } from "../../../support/paths.js";

/** Pixels of a PNG, and the share of them whose red, green and blue pass a test. */
async function pixelsOf(base64: unknown) {
  const image = await loadImage(Buffer.from(base64 as string, "base64"));
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const at = (x: number, y: number): number[] => [
    ...data.subarray(4 * (y * image.width + x), 4 * (y * image.width + x) + 3),
  ];
  const share = (test: (r: number, g: number, b: number) => boolean): number => {
    let count = 0;
    for (let i = 0; i < data.length; i += 4) if (test(data[i]!, data[i + 1]!, data[i + 2]!)) count++;
    return count / (data.length / 4);
  };
  return { width: image.width, height: image.height, at, share };
}

const figure = (data: Figure["data"], layout: Figure["layout"] = {}): Figure => ({
  kind: "figure",
  data,
  layout,
  description: "A picture for the test.",
});

describe("a figure without a browser", () => {
  after(closeDrawing);

  it("is drawn although a name from a model holds control characters", async () => {
    const { data } = await render(
      figure([{ type: "bar", x: ["tap\u001b[31m\u0000"], y: [1], name: "\u0007" }]),
    );
    assert.equal(typeof data["image/png"], "string", String(data["text/plain"]));
  });

  it("is drawn twice as large as it is shown, on white, in the colours of its traces", async () => {
    const bar = { type: "bar", x: ["a"], y: [1], marker: { color: "rgb(255, 0, 0)" } };
    const { data, metadata } = await render(
      figure([bar], { width: 300, height: 200, margin: { t: 20, b: 20 } }),
    );
    const png = await pixelsOf(data["image/png"]);
    assert.deepEqual([png.width, png.height], [600, 400]);
    assert.deepEqual(metadata["image/png"], { width: 300, height: 200, alt: "A picture for the test." });
    assert.deepEqual(png.at(0, 0), [255, 255, 255]);
    assert.ok(png.share((r, g, b) => r > 240 && g < 20 && b < 20) > 0.05);
  });

  it("is drawn for every kind of trace that Assay uses", async () => {
    const x = Array.from({ length: 60 }, (_, i) => Math.sin(i * i));
    const z = [
      [1, 2],
      [3, Number.NaN],
    ];
    const traces = [
      { type: "scatter", x: [0, 1, 2], y: [0, 1, 0], fill: "tozeroy", line: { shape: "spline" } },
      { type: "histogram", x: Float64Array.from(x) },
      { type: "heatmap", z, colorscale: "Viridis" },
      { type: "contour", z },
      { type: "violin", y: x },
      { type: "box", y: x },
      { type: "histogram2d", x, y: x },
    ];
    for (const trace of traces) {
      const { data } = await render(figure([trace]));
      assert.ok(data["image/png"], `${trace.type}: ${data["text/plain"]}`);
      const { share } = await pixelsOf(data["image/png"]);
      assert.ok(
        share((r, g, b) => Math.max(r, g, b) - Math.min(r, g, b) > 40) > 0.001,
        `${trace.type} shows no colour`,
      );
    }
  });

  it("keeps the cells of a heatmap sharp", async () => {
    const heat = {
      type: "heatmap",
      z: [[0, 1]],
      colorscale: [
        [0, "rgb(0, 0, 255)"],
        [1, "rgb(255, 0, 0)"],
      ],
      showscale: false,
    };
    const layout = {
      width: 300,
      height: 300,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      xaxis: { visible: false },
      yaxis: { visible: false },
    };
    const png = await pixelsOf((await render(figure([heat], layout))).data["image/png"]);
    assert.deepEqual(png.at(290, 300), [0, 0, 255]);
    assert.deepEqual(png.at(310, 300), [255, 0, 0]);
  });

  it("has the same bytes every time", async () => {
    const drawing = figure([{ type: "scatter", x: [1, 2, 3], y: [2, 1, 3] }], { title: { text: "twice" } });
    const [first, second] = [await render(drawing), await render(drawing)];
    assert.equal(first.data["image/png"], second.data["image/png"]);
  });

  it("is interactive and described even when it cannot be drawn", async () => {
    const drawing = figure([{ type: "scatter", x: [1], y: [1] }], {
      xaxis: { type: "linear", range: "nonsense" },
      annotations: 7,
    });
    const { data } = await render(drawing);
    assert.ok("application/vnd.plotly.v1+json" in data);
    assert.match(String(data["text/plain"]), /A picture for the test/);
  });

  it("is a still picture only when its data is too long for a notebook", async () => {
    const y = Float64Array.from({ length: 400_000 }, (_, i) => Math.sin(i));
    const { data } = await render(figure([{ type: "histogram", x: y }]));
    assert.ok(!("application/vnd.plotly.v1+json" in data));
    assert.ok(data["image/png"]);
    assert.match(String(data["text/plain"]), /Still picture only/);
  });

  it("is drawn whatever characters a stranger's names contain", async () => {
    const name = "<b>&'\"\u0000\u001b[31m\u202e\ufffe\ud800 ]]> --> 模型 🙂";
    const trace = { type: "scatter", x: [name, "b"], y: [1, 2], name, showlegend: true };
    const { data } = await render(
      figure([trace], { title: { text: name }, annotations: [{ text: name, x: 0, y: 1 }] }),
    );
    assert.ok(data["image/png"], String(data["text/plain"]));
  });

  it("does not keep the process from ending", () => {
    const module = pathToFileURL(`${packageRoot}/dist/kernel/render/index.js`).href;
    const script = `const { render } = await import(${JSON.stringify(module)});
      const { data } = await render({ kind: "figure", data: [], layout: {}, description: "x" });
      console.log("image/png" in data);`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.deepEqual([status, stdout.trim()], [0, "true"]);
  });
});

describe("an image grid", () => {
  after(closeDrawing);

  it("shows every pixel as a square of its own value", async () => {
    const image = tensor("float32", [2, 2], Float32Array.of(0, 1, 0.5, Number.NaN));
    const { data } = await render(imageGrid([{ tensor: image, caption: "mask" }], { range: [0, 1] }));
    const png = await pixelsOf(data["image/png"]);
    const squares = [png.at(80, 80), png.at(200, 80), png.at(80, 200), png.at(200, 200)];
    assert.deepEqual(squares, [
      [0, 0, 0],
      [255, 255, 255],
      [128, 128, 128],
      [255, 0, 255],
    ]);
    assert.match(String(data["text/plain"]), /1 image \[2, 2\], 0 black to 1 white\n1\. mask/);
  });

  it("takes its range from all images together, and refuses what is no image", () => {
    const grey = tensor("float32", [1, 2], Float32Array.of(-1, 3));
    assert.deepEqual(imageGrid([{ tensor: grey, caption: "" }]).range, [-1, 3]);
    const flat = tensor("float32", [4], new Float32Array(4));
    assert.throws(() => imageGrid([{ tensor: flat, caption: "flat" }]), { code: "SHAPE_MISMATCH" });
  });
});

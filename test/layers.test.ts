import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { packageRoot } from "./support/paths.js";

/** Folders of lib from the bottom up; a folder may import from lower rows only, or from itself. */
const layers: readonly (readonly string[])[] = [
  ["errors"],
  ["tensor", "random"],
  ["runtime"],
  ["onnx"],
  ["linalg", "stats"],
  ["model"],
  ["data", "spec"],
  ["train", "trigger"],
  ["attacks", "probes", "anomaly", "extraction", "bounds"],
  ["zoo", "game", "fleet"],
  ["bench"],
  ["plots"],
  ["results"],
  ["report"],
  ["index"],
];
const layerOf = new Map(layers.flatMap((row, level) => row.map((folder) => [folder, level] as const)));

/** The only folders that may import each heavy dependency. */
const doors: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["lib/runtime"],
  "danfojs-node": ["lib/data", "kernel/render"],
  "plotly.js": ["kernel/render", "kernel/notebook"],
  zeromq: ["kernel/server", "kernel/client"],
  typescript: ["kernel/language"],
  "oxc-parser": ["kernel/language"],
  "@swc/core": ["kernel/language"],
  tslab: ["kernel/session"],
};

const sources = (folder: string): string[] =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
    .map((file) => join(packageRoot, folder, file));

const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/g,
    ),
  ].map((match) => (match[1] ?? match[2])!);

/** The folder of lib that a file belongs to, or the name of a file at its top. */
const folderOf = (file: string): string =>
  relative(join(packageRoot, "lib"), file)
    .split("/")[0]!
    .replace(/\.[jt]s$/, "");

describe("the import layers", () => {
  it("of lib point down only, and methods never import one another", () => {
    const wrong: string[] = [];
    for (const file of sources("lib")) {
      const from = folderOf(file);
      assert.ok(layerOf.has(from), `lib/${from} has no place in the table of layers`);
      for (const target of importsOf(file).filter((name) => name.startsWith("."))) {
        const to = folderOf(resolve(dirname(file), target));
        if (to === from) continue;
        const below = (layerOf.get(to) ?? Number.POSITIVE_INFINITY) < layerOf.get(from)!;
        if (!below) wrong.push(`${relative(packageRoot, file)} imports ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("keep lib ignorant of the kernel", () => {
    const wrong = sources("lib").filter((file) =>
      importsOf(file).some(
        (target) =>
          target.startsWith(".") && !resolve(dirname(file), target).startsWith(join(packageRoot, "lib")),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it("have one door per heavy dependency", () => {
    const wrong: string[] = [];
    for (const file of [...sources("lib"), ...sources("kernel")]) {
      const path = relative(packageRoot, file);
      if (path.startsWith("kernel/lab/ui")) continue;
      for (const target of importsOf(file)) {
        const allowed = Object.entries(doors).find(
          ([name]) => target === name || target.startsWith(`${name}/`),
        )?.[1];
        if (allowed && !allowed.some((folder) => path.startsWith(folder)))
          wrong.push(`${path} imports ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

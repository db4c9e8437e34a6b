// Bundles the lab's front end into dist/lab-ui of the repository: JupyterLab's own packages, our renderer of
// figures and our name. Run by the set-up script after `npm ci` in this folder.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rspack } from "@rspack/core";
import { extensionPackages, mergeSchemas, writeEntry } from "./extensions.mjs";
import { thirdPartyLicences } from "./licences.mjs";
import { rules } from "./rules.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../../dist/lab-ui");
const extensions = extensionPackages(here);

const shared = {
  context: here,
  mode: "production",
  target: ["web", "es2022"],
  devtool: false,
  module: { rules, generator: { "css/auto": { exportsOnly: false } } },
  resolve: {
    extensions: [".ts", ".tsx", ".js", ".json"],
    extensionAlias: { ".js": [".ts", ".tsx", ".js"] },
    // Packages written for Node check for these and go without.
    fallback: { path: false, url: false, util: false, buffer: false, process: false, fs: false },
  },
  performance: { hints: false },
};

const application = {
  ...shared,
  entry: { main: writeEntry(here, extensions) },
  output: {
    path: out,
    publicPath: "/static/",
    filename: "[name].[contenthash:12].js",
    chunkFilename: "[name].[contenthash:12].js",
    cssFilename: "[name].[contenthash:12].css",
    cssChunkFilename: "[name].[contenthash:12].css",
    assetModuleFilename: "assets/[contenthash:12][ext]",
  },
  // MathJax reads its own folder's name when it starts.
  node: { __dirname: "mock" },
};

const themes = {
  ...shared,
  entry: Object.fromEntries(
    extensions
      .filter(({ theme }) => theme)
      .map(({ name, theme }) => [`themes/${name}/index`, `${name}/${theme}`]),
  ),
  output: {
    path: out,
    publicPath: "/static/",
    filename: "theme-scripts/[name].js",
    cssFilename: "[name].css",
    assetModuleFilename: "assets/[contenthash:12][ext]",
  },
};

/** Runs the bundler; an error in any module is an error of the whole. */
const build = (configuration) =>
  new Promise((resolve, reject) => {
    const compiler = rspack(configuration);
    compiler.run((error, stats) => {
      if (error) return reject(error);
      if (stats.hasErrors())
        return reject(new Error(stats.toString({ all: false, errors: true, colors: false })));
      compiler.close(() => resolve(stats));
    });
  });

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const stats = await build(application);
await build(themes);
rmSync(join(out, "theme-scripts"), { recursive: true, force: true });

const files = stats
  .toJson({ all: false, entrypoints: true })
  .entrypoints.main.assets.map(({ name }) => name)
  .filter((name) => /\.(?:js|css)$/.test(name));
const version = JSON.parse(
  readFileSync(join(here, "node_modules/@jupyterlab/application/package.json"), "utf8"),
).version;
const write = (name, value) => writeFileSync(join(out, name), `${JSON.stringify(value)}\n`);
write("schemas.json", mergeSchemas(extensions));
write("licences.json", thirdPartyLicences(stats, here));
cpSync(join(here, "src/logo.svg"), join(out, "logo.svg"));
// Last: the server takes a folder with a manifest for a complete one.
write("manifest.json", { jupyterlab: version, files });

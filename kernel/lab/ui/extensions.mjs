// What the bundle takes from each installed JupyterLab extension: its plugins, style, settings schemas and theme.
// The list of extensions is package.json's dependencies and stands nowhere else.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));

/** Every dependency that says in its package.json that it extends JupyterLab. */
export function extensionPackages(here) {
  return Object.keys(readJson(join(here, "package.json")).dependencies)
    .map((name) => {
      const folder = join(here, "node_modules", name);
      const { jupyterlab = {}, version, styleModule } = readJson(join(folder, "package.json"));
      return {
        name,
        folder,
        version,
        style: styleModule,
        plugins: jupyterlab.extension === true,
        mime: jupyterlab.mimeExtension === true,
        schemas: jupyterlab.schemaDir,
        theme: jupyterlab.themePath,
      };
    })
    .filter(({ plugins, mime }) => plugins || mime);
}

/** Writes the module that imports every extension, and returns its path. Static imports halve the requests. */
export function writeEntry(here, extensions) {
  const numbered = extensions.map((extension, index) => ({ ...extension, variable: `extension${index}` }));
  const lines = [
    `import { start } from "${join(here, "src/start.ts")}";`,
    ...numbered
      .filter(({ style }) => style)
      .map(({ name, style }) => `import ${JSON.stringify(`${name}/${style}`)};`),
    ...numbered.map(({ name, variable }) => `import * as ${variable} from ${JSON.stringify(name)};`),
    `start([${numbered
      .filter(({ plugins }) => plugins)
      .map(({ variable }) => variable)
      .join(", ")}], [${numbered
      .filter(({ mime }) => mime)
      .map(({ variable }) => variable)
      .join(", ")}]);`,
  ];
  const file = join(here, "node_modules/.assay/entry.js");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** All settings schemas, keyed by the id of the plugin that they belong to. */
export function mergeSchemas(extensions) {
  const merged = {};
  for (const { name, folder, version, schemas } of extensions) {
    if (!schemas) continue;
    for (const file of readdirSync(join(folder, schemas))) {
      if (!file.endsWith(".json") || file === "package.json.orig") continue;
      const id = `${name}:${file.slice(0, -".json".length)}`;
      merged[id] = { schema: readJson(join(folder, schemas, file)), version };
    }
  }
  return merged;
}

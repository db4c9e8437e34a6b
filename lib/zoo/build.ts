/** `npm run zoo`: rebuilds the sample data and models from Debian's dataset-fashion-mnist. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssayError } from "../errors.js";
import { buildFashionModels } from "./fashion-models.js";
import { writeFashionSubset } from "./subset.js";

const notebooks = join(dirname(fileURLToPath(import.meta.url)), "../../../notebooks");

const parts: Readonly<Record<string, () => Promise<void>>> = {
  data: () => writeFashionSubset(join(notebooks, "data")),
  models: () => buildFashionModels(join(notebooks, "models"), (line) => console.error(`zoo: ${line}`)),
};

const wanted = process.argv.slice(2);
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
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

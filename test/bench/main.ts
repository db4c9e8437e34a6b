/** `npm run --silent bench -- SUITE [--json]`: one suite, ours and the peers interleaved in one run. */
import { audit } from "./audit.js";
import { coverage } from "./coverage.js";
import { engine } from "./engine.js";
import { exports } from "./exports.js";
import { honestFiles } from "./honest-files.js";
import { kernel } from "./kernel.js";
import { lab } from "./lab.js";
import { probing } from "./probing.js";
import { training } from "./training.js";

const suites: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
  coverage,
  kernel,
  engine,
  audit,
  exports,
  "honest-files": honestFiles,
  lab,
  probing,
  training,
};

const [name = "", ...flags] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined || flags.some((flag) => flag !== "--json")) {
  console.error(`usage: npm run --silent bench -- ${Object.keys(suites).join("|")} [--json]`);
  process.exit(2);
}
const result = await suite();
if (flags.includes("--json")) console.log(JSON.stringify(result, undefined, 2));
else console.table(result["rows"]);

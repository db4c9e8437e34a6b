/** `assay audit MODEL.onnx --data CLEAN.npz`: the one-shot audit, from a file to a verdict. */
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import type { AuditOptions, Budget } from "../../lib/extraction/index.js";
import type { LoadedModel } from "../../lib/model/index.js";
import type { Tensor } from "../../lib/tensor/index.js";
import { answerFirst } from "./audit/answer.js";
import { checkInputs, checkReferences, readClean, statedRange, statedTokens } from "./audit/input.js";
import { fileHash, writeAudit } from "./audit/output.js";
import { auditProgress } from "./audit/progress.js";
import { checkScale } from "./audit/scale.js";
import { complain } from "./complain.js";
import { sayIfLong } from "./patience.js";

interface Options {
  readonly data: string;
  readonly references?: readonly string[];
  readonly spec?: string;
  readonly budget: Budget;
  readonly seed: number;
  readonly json?: string;
  readonly html?: string;
  readonly failOn?: "suspicious" | "backdoored";
  readonly cache: boolean;
}

const VERDICT_REACHED = 7;

export function registerAudit(program: Command): void {
  program
    .command("audit")
    .summary("search a model for a backdoor and give a verdict")
    .description(
      "Searches a classifier of images or of token sequences for triggers, compares what it finds with clean reference models, and verifies it on inputs that the search has not seen.",
    )
    .argument("<model>", "the model under audit, an .onnx file")
    .requiredOption("--data <file>", "clean inputs: an .npz with inputs [n, ...] and, if known, labels [n]")
    .option("--references <model...>", "clean models of the same task; three or more give power")
    .option(
      "--spec <file>",
      "specification whose domain gives the input range, or the vocabulary and the triggers (default: read off)",
    )
    .option(
      "--budget <budget>",
      "quick, standard or thorough",
      parseChoice(["quick", "standard", "thorough"]),
      "standard",
    )
    .option("--seed <number>", "seed of everything random", parseSeed, 1)
    .option("--json <file>", "write the verdict as JSON; - for standard output, and nothing else there")
    .option("--html <file>", "write a self-contained report")
    .option(
      "--fail-on <decision>",
      "exit with 7 from this decision on: suspicious or backdoored",
      parseChoice(["suspicious", "backdoored"]),
    )
    .option("--no-cache", "do not keep or reuse finished searches")
    .addHelpText("after", help)
    .action(runAudit);
}

const help = `
Exit codes: 0 done, 2 wrong usage or unreadable input, 7 the verdict reached --fail-on.
Finished searches are kept in the cache folder, so that an audit that was stopped, by Ctrl-C or by force, goes on
where it was. A recovered trigger is written beside the JSON file as MODEL.trigger.npz (mask and pattern); one that
wakes logic in the graph comes with an input that shows it (clean and triggered).
"no-evidence" is not "clean": evasive and undetectable backdoors pass.

Examples:
  assay audit suspect.onnx --data clean.npz --references a.onnx b.onnx c.onnx
  assay audit suspect.onnx --data clean.npz --budget quick --json - --fail-on suspicious
  assay audit suspect.onnx --data clean.npz --references ref-*.onnx --json verdict.json --html report.html`;

async function runAudit(file: string, options: Options): Promise<void> {
  const [{ audit }, { anyBatch, loadModel, tokenInput, withTensorOutputs }, { paddingOf }] =
    await Promise.all([
      import("../../lib/extraction/index.js"),
      import("../../lib/model/index.js"),
      import("../../lib/spec/index.js"),
    ]);
  const read = await readClean(options.data);
  const clean = { ...read, inputs: asIds(read.inputs) };
  const domain = await statedTokens(options.spec, clean);
  const range = await statedRange(options.spec, clean);
  const isText = clean.inputs.type === "int64" && clean.inputs.dims.length === 2;
  const padding = domain?.padding ?? (isText ? paddingOf(clean.inputs) : 0);
  const load = async (path: string): Promise<LoadedModel> => {
    const given = withTensorOutputs(await loadModel(path));
    const loaded = isText ? tokenInput(given, { padding }) : given;
    checkInputs(loaded, clean, options.data);
    return answerFirst(await anyBatch(loaded, clean.inputs), clean);
  };
  // The first runs say how long all of them take; until then nothing is known.
  const patience = sayIfLong(`the first runs of "${basename(file)}"`);
  const model = await load(file);
  const references: LoadedModel[] = [];
  for (const reference of options.references ?? []) references.push(await load(reference));
  const files = new Map(
    [model, ...references].map((one, i) => [one, i === 0 ? file : options.references![i - 1]!]),
  );
  try {
    await checkReferences(model, references, clean);
    if (range === undefined) await checkScale(model, clean, options.data);
    const progress = auditProgress(process.stderr);
    await progress.announce(model, clean.inputs, options.budget, references.length);
    patience[Symbol.dispose]();
    const result = await audit(model, clean, {
      seed: options.seed,
      references,
      budget: options.budget,
      ...(range ? { range } : {}),
      ...(domain ? { domain } : {}),
      ...(options.cache ? { storeOf: await stores(files) } : {}),
      onProgress: progress.step,
    });
    await writeAudit(file, result, { ...options, examples: clean.inputs.dims[0] ?? 0 });
    const { decision } = result.verdict;
    const isReached =
      decision === "backdoored" || (decision === "suspicious" && options.failOn === "suspicious");
    if (options.failOn !== undefined && isReached) process.exitCode = VERDICT_REACHED;
  } finally {
    patience[Symbol.dispose]();
    for (const one of files.keys()) one.release();
  }
}

/** Ids of int32 as int64: models of texts are seen as models of int64. */
function asIds(inputs: Tensor): Tensor {
  if (inputs.type !== "int32" || inputs.dims.length !== 2) return inputs;
  return { type: "int64", dims: inputs.dims, data: BigInt64Array.from(inputs.data, BigInt) };
}

/** A store per model file, keyed by the file's hash. */
async function stores(
  files: ReadonlyMap<LoadedModel, string>,
): Promise<NonNullable<AuditOptions["storeOf"]>> {
  const { folderStore } = await import("../../lib/extraction/index.js");
  const folder = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "assay", "searches");
  const store = folderStore(folder, complain);
  const hashes = new Map<LoadedModel, string>();
  for (const [model, file] of files) hashes.set(model, await fileHash(file));
  return (model) => ({
    read: (key) => store.read(`${hashes.get(model)} ${key}`),
    write: (key, masks) => store.write(`${hashes.get(model)} ${key}`, masks),
    readPlain: (key) => store.readPlain(`${hashes.get(model)} ${key}`),
    writePlain: (key, value) => store.writePlain(`${hashes.get(model)} ${key}`, value),
  });
}

function parseChoice<const C extends string>(choices: readonly C[]): (text: string) => C {
  return (text) => {
    const choice = choices.find((one) => one === text);
    if (choice) return choice;
    throw new AssayError("INVALID_ARGUMENT", `audit: "${text}" is none of ${choices.join(", ")}.`);
  };
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed)) return seed;
  throw new AssayError("INVALID_ARGUMENT", `audit: the seed must be an integer, got "${text}".`);
}

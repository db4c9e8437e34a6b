/** `assay audit MODEL.onnx --data CLEAN.npz`: the one-shot audit, from a file to a verdict. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { AssayError } from "../../lib/errors.js";
import type { Audit, AuditOptions, Budget } from "../../lib/extraction/index.js";
import type { LoadedModel } from "../../lib/model/index.js";

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
      "Searches a classifier of images for triggers, compares what it finds with clean reference models, and verifies it on images that the search has not seen.",
    )
    .argument("<model>", "the model under audit, an .onnx file")
    .requiredOption("--data <file>", "clean inputs: an .npz with inputs [n, ...] and, if known, labels [n]")
    .option("--references <model...>", "clean models of the same task; three or more give power")
    .option("--spec <file>", "specification whose domain gives the input range (default: read off the data)")
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
Finished searches are kept in the cache folder, so that an audit that was stopped goes on where it was.
A recovered trigger is written beside the JSON file as MODEL.trigger.npz (mask and pattern).
"no-evidence" is not "clean": evasive and undetectable backdoors pass.

Examples:
  assay audit suspect.onnx --data clean.npz --references a.onnx b.onnx c.onnx
  assay audit suspect.onnx --data clean.npz --budget quick --json - --fail-on suspicious
  assay audit suspect.onnx --data clean.npz --references ref-*.onnx --json verdict.json --html report.html`;

async function runAudit(file: string, options: Options): Promise<void> {
  const [{ audit }, { anyBatch, loadModel }, { readNpz }] = await Promise.all([
    import("../../lib/extraction/index.js"),
    import("../../lib/model/index.js"),
    import("../../lib/data/index.js"),
  ]);
  const { inputs, labels } = await readNpz(options.data);
  if (!inputs) {
    throw new AssayError(
      "INVALID_FILE",
      `"${options.data}" holds no array "inputs". Save the clean inputs under that name.`,
    );
  }
  const range = await rangeOf(options.spec);
  const load = async (path: string): Promise<LoadedModel> => {
    const loaded = await loadModel(path);
    checkInputs(loaded, inputs.dims, inputs.type, options.data);
    return anyBatch(loaded, inputs);
  };
  const model = await load(file);
  const references: LoadedModel[] = [];
  for (const reference of options.references ?? []) references.push(await load(reference));
  const files = new Map(
    [model, ...references].map((one, i) => [one, i === 0 ? file : options.references![i - 1]!]),
  );
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const result = await audit(
      model,
      { inputs, labels },
      {
        seed: options.seed,
        references,
        budget: options.budget,
        ...(range ? { range } : {}),
        ...(options.cache ? { storeOf: await stores(files) } : {}),
        signal: abort.signal,
        onProgress: progressLine(),
      },
    );
    await report(file, result, options);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    for (const one of files.keys()) one.release();
  }
}

/** The input range that a specification states. */
async function rangeOf(path: string | undefined): Promise<readonly [number, number] | undefined> {
  if (path === undefined) return undefined;
  const { readSpecification } = await import("../../lib/spec/index.js");
  const { domain } = await readSpecification(path);
  if (domain.type === "image") return domain.range;
  throw new AssayError(
    "INVALID_ARGUMENT",
    `audit: the specification "${path}" is about ${domain.type}; this version audits classifiers of images only.`,
    { domain: domain.type },
  );
}

function checkInputs(model: LoadedModel, dims: readonly number[], type: string, data: string): void {
  const [input, ...others] = model.inputs;
  if (!input || others.length > 0) {
    throw new AssayError(
      "INVALID_MODEL",
      `audit: the model "${model.name}" has ${model.inputs.length} inputs; one is expected.`,
    );
  }
  const fits =
    input.type === type &&
    (input.dims.length === 0 ||
      (input.dims.length === dims.length &&
        input.dims.every((dim, i) => i === 0 || typeof dim !== "number" || dim === dims[i])));
  if (fits) return;
  throw new AssayError(
    "SHAPE_MISMATCH",
    `audit: the model "${model.name}" takes ${input.type} [${input.dims.join(", ")}], "${data}" holds ${type} [${dims.join(", ")}].`,
    { model: input.dims, data: dims },
  );
}

/** A store per model file, keyed by the file's hash. */
async function stores(
  files: ReadonlyMap<LoadedModel, string>,
): Promise<NonNullable<AuditOptions["storeOf"]>> {
  const { folderStore } = await import("../../lib/extraction/index.js");
  const folder = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "assay", "searches");
  const store = folderStore(folder, (problem) => process.stderr.write(`assay: ${problem}\n`));
  const hashes = new Map<LoadedModel, string>();
  for (const [model, file] of files) hashes.set(model, await sha256(file));
  return (model) => ({
    read: (key) => store.read(`${hashes.get(model)} ${key}`),
    write: (key, masks) => store.write(`${hashes.get(model)} ${key}`, masks),
  });
}

const sha256 = async (file: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/** One line per finished search on a pipe, one line rewritten in place on a terminal. */
function progressLine(): (step: string, done: number, of: number) => void {
  const isTerminal = process.stderr.isTTY;
  return (step, done, of) => {
    if (isTerminal)
      process.stderr.write(`\r\u001b[K${step} ${Math.round((100 * done) / of)} %${done === of ? "\n" : ""}`);
    else if (done === of) process.stderr.write(`${step}: done\n`);
  };
}

async function report(file: string, result: Audit, options: Options): Promise<void> {
  const { verdict } = result;
  const toFile = options.json !== undefined && options.json !== "-";
  const trigger = verdict.trigger
    ? await writeTrigger(file, verdict.trigger, toFile ? dirname(options.json!) : ".")
    : null;
  const json = {
    kind: "verdict",
    model: { file: basename(file), sha256: await sha256(file) },
    ...verdict,
    trigger,
    versions: { assay: version() },
  };
  const text = `${JSON.stringify(json, null, 2)}\n`;
  if (toFile) await writeFile(options.json!, text);
  if (options.html !== undefined) {
    const { writeAuditReport } = await import("../render/audit-report.js");
    await writeAuditReport(result, { model: json.model, versions: json.versions }, options.html);
  }
  if (options.json === "-") process.stdout.write(text);
  else {
    const { render } = await import("../render/index.js");
    process.stdout.write(`${(await render(result)).data["text/plain"]}\n`);
  }
  const { decision } = verdict;
  const isReached =
    decision === "backdoored" || (decision === "suspicious" && options.failOn === "suspicious");
  if (options.failOn !== undefined && isReached) process.exitCode = VERDICT_REACHED;
}

async function writeTrigger(
  file: string,
  recovered: NonNullable<Audit["verdict"]["trigger"]>,
  folder: string,
) {
  const { writeNpz } = await import("../../lib/tensor/index.js");
  const name = `${basename(file, ".onnx")}.trigger.npz`;
  const { mask, pattern } = recovered.trigger;
  await writeNpz(join(folder, name), { mask, pattern });
  return { type: recovered.shape, file: name, tokens: null, attackSuccessRate: recovered.attackSuccessRate };
}

function version(): string {
  const manifest = createRequire(import.meta.url)("assay/package.json") as { version: string };
  return manifest.version;
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

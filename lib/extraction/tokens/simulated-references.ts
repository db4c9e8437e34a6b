/**
 * References that the auditor of a text classifier makes: the suspect's own architecture, trained from new weights on
 * the clean texts.
 *
 * The vectors of words are taken over from the suspect and trained on, those of words that the clean texts hardly hold
 * are drawn anew; all other weights are new. A copy that draws its vectors anew as well knows too few words: trained on
 * 600 texts of the development world it was right on 0.81 of unseen texts (the suspect on 0.92), and clean models came
 * out as unusual as backdoored ones. With the vectors taken over it is right on 0.90, and planted runs of three words
 * lead it to the target in 0.09 to 0.33 of texts, the suspect in 0.80 to 0.99. The suspect's own answers must not be the
 * labels: copies taught by them follow the same runs in 0.26 to 0.72, since each word of a run pushes a little.
 *
 * Misleads where the vector of a single word that is frequent in the clean texts is the whole backdoor, as in a bag of
 * words: the copies then follow it, too. Less power than references of the same task have, in any case.
 */
import { AssayError } from "../../errors.js";
import { type LoadedModel, wrapModel } from "../../model/index.js";
import {
  embeddingLookups,
  fedInputs,
  initializersOf,
  type Model,
  readTensor,
  specialise,
  tokenInput,
  upgradeModel,
} from "../../onnx/index.js";
import { type Generator, generator } from "../../random/index.js";
import { type Tensor, takeExamples, tensor } from "../../tensor/index.js";
import { cosine, withParameters } from "../../train/index.js";
import { type FreshModel, freshWeights } from "../fresh-weights.js";
import { trainCopy } from "../train-copy.js";
import { workSeconds } from "../work-seconds.js";
import { tokenModel } from "./model/token-model.js";
import type { PreparedTexts } from "./prepare.js";

/** What simulating takes. */
export interface TextSimulationOptions {
  readonly seed: number;
  /** Number of copies. Default 3. */
  readonly count?: number;
  /** Steps of training, of 64 texts each. Default 300. */
  readonly steps?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

const BATCH = 64;
/** Texts below which a copy learns too little. */
const MIN_TEXTS = 200;
/** Seconds that the training of all copies may take. */
const MAX_SECONDS = 300;
/** A word that the clean texts hold less often than this has its vector drawn anew. */
const KNOWN_TIMES = 2;

/**
 * Trains `count` clean copies of a classifier of texts.
 *
 * @returns Loaded models of int64 ids, which the caller releases, and the texts that went forward and back.
 * @throws AssayError UNSUPPORTED_OPERATOR where the architecture cannot be trained.
 */
export async function simulateTextReferences(
  model: LoadedModel,
  texts: PreparedTexts,
  options: TextSimulationOptions,
): Promise<{ readonly references: LoadedModel[]; readonly passes: { forward: number; backward: number } }> {
  const { seed, count = 3, steps = 300, signal, onProgress } = options;
  const graph = upgradeModel(tokenInput(model.graph, texts.frame.padding ?? 0) ?? model.graph);
  const input = fedInputs(graph.graph)[0]!.name;
  const references: LoadedModel[] = [];
  for (let i = 0; i < count; i++) {
    const random = generator(seed).split(`simulated reference ${i}`);
    const { inputs, answers } = recombined(texts, steps * BATCH, random);
    const example = takeExamples(inputs, [...Array(BATCH).keys()]);
    const { model: fixed } = specialise(graph, { [input]: example });
    const fresh = keepVectors(await freshWeights(fixed, example, random), graph, texts);
    const copy = await trainCopy(
      model,
      fresh,
      { [input]: inputs, answers },
      {
        seed: random.integer(2 ** 31),
        steps,
        batchSize: BATCH,
        learningRate: cosine(2e-3, { warmup: 20 }),
        clipNorm: 5,
        ...(signal ? { signal } : {}),
        onProgress: ({ step }) => onProgress?.(i * steps + step, count * steps),
      },
    );
    references.push(wrapModel(withWeightsOf(graph, copy), { name: `simulated reference ${i + 1}` }));
  }
  const each = count * steps * BATCH;
  return { references, passes: { forward: each, backward: each } };
}

/** Why references should not be simulated here, or null if they can be. */
async function whyNoTextSimulation(
  model: LoadedModel,
  texts: PreparedTexts,
  steps: number,
): Promise<string | null> {
  const count = texts.search.labels.data.length + texts.heldOut.labels.data.length;
  if (count < MIN_TEXTS) return `${count} clean texts are too few to train on, ${MIN_TEXTS} are needed`;
  const ids = (texts.search.inputs.data as BigInt64Array).slice(0, BATCH * texts.length);
  const view = tokenModel(model, texts.length);
  await view.scores(ids);
  // A step costs about four runs: forward, and back by vectors and by weights.
  const seconds = 3 * 4 * steps * (await workSeconds(() => view.scores(ids)));
  return seconds > MAX_SECONDS ? `their training would take about ${Math.round(seconds / 60)} minutes` : null;
}

/** The fresh model with the suspect's vectors of words that the clean texts hold. */
function keepVectors(fresh: FreshModel, suspect: Model, texts: PreparedTexts): FreshModel {
  const outputs = new Set(embeddingLookups(suspect, texts.length).map(({ output }) => output));
  const names = suspect.graph.nodes.flatMap((node) =>
    outputs.has(node.outputs[0]!) ? [node.inputs[0]!] : [],
  );
  const stored = initializersOf(suspect.graph);
  const drawn = initializersOf(fresh.model.graph);
  const times = new Map<bigint, number>();
  for (const { inputs } of [texts.search, texts.heldOut])
    for (const token of inputs.data as BigInt64Array) times.set(token, (times.get(token) ?? 0) + 1);
  const kept: Record<string, Tensor> = {};
  for (const name of names.filter((one) => fresh.parameters.includes(one))) {
    const own = readTensor(drawn.get(name)!) as Tensor<"float32">;
    const old = readTensor(stored.get(name)!) as Tensor<"float32">;
    const width = own.dims[1]!;
    const data = own.data.slice();
    for (const [token, count] of times) {
      const at = Number(token) * width;
      if (count >= KNOWN_TIMES) data.set(old.data.subarray(at, at + width), at);
    }
    kept[name] = { ...own, data };
  }
  return { ...fresh, model: withParameters(fresh.model, kept) };
}

/** The suspect's graph, which takes any number of texts, with the weights of a copy that was made for one batch. */
function withWeightsOf(graph: Model, copy: Model): Model {
  const trained = initializersOf(copy.graph);
  const values: Record<string, Tensor> = {};
  for (const [name, message] of initializersOf(graph.graph)) {
    const value = trained.get(name);
    if (value !== undefined && Number(message.dataType) === 1) values[name] = readTensor(value);
  }
  return withParameters(graph, values);
}

/** Share of texts that a span of any other text is put into; of the rest it is one of the same class. */
const MIXED = 0.4;
/** Largest share of a text's words that are replaced by words at the same place in texts of its class. */
const MOST_REPLACED = 0.8;

/**
 * New texts out of the clean ones: spans are exchanged, and words replaced by others of the same class. Labels are
 * mixed as the words are. What fills texts up and frames them stays.
 */
function recombined(
  { search, heldOut, length, classes, allowed }: PreparedTexts,
  count: number,
  random: Generator,
): { readonly inputs: Tensor<"int64">; readonly answers: Tensor<"float32"> } {
  const rows = [search, heldOut].flatMap(({ inputs, labels }) =>
    Array.from(labels.data, (label, row) => ({
      tokens: (inputs.data as BigInt64Array).subarray(row * length, (row + 1) * length),
      label: Number(label),
    })),
  );
  const ofClass = Array.from({ length: classes }, (_, k) => rows.filter(({ label }) => label === k));
  const words = new Set(Array.from(allowed, BigInt));
  const data = new BigInt64Array(count * length);
  const answers = new Float32Array(count * classes);
  for (let at = 0; at < count; at++) {
    const one = rows[random.integer(rows.length)]!;
    const alike = ofClass[one.label]!;
    const partners = random.uniform() < MIXED ? rows : alike;
    const other = partners[random.integer(partners.length)]!;
    const [from, to] = [random.integer(length + 1), random.integer(length + 1)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    const replaced = MOST_REPLACED * random.uniform();
    let own = 0;
    let theirs = 0;
    for (let i = 0; i < length; i++) {
      const takes = (token: bigint): boolean => words.has(one.tokens[i]!) && words.has(token);
      let token = one.tokens[i]!;
      const isOther = i >= from && i < to && takes(other.tokens[i]!);
      if (isOther) token = other.tokens[i]!;
      else if (random.uniform() < replaced) {
        const third = alike[random.integer(alike.length)]!.tokens[i]!;
        if (takes(third)) token = third;
      }
      if (isOther) theirs++;
      else if (words.has(token)) own++;
      data[at * length + i] = token;
    }
    const share = own + theirs === 0 ? 1 : own / (own + theirs);
    answers[at * classes + one.label] = answers[at * classes + one.label]! + share;
    answers[at * classes + other.label] = answers[at * classes + other.label]! + 1 - share;
  }
  return {
    inputs: tensor("int64", [count, length], data),
    answers: tensor("float32", [count, classes], answers),
  };
}

/** References for an audit, and what is to be said of them. */
export interface ChosenReferences extends AsyncDisposable {
  readonly references: readonly LoadedModel[];
  readonly isSimulated: boolean;
  readonly passes: { readonly forward: number; readonly backward: number };
  readonly warnings: readonly string[];
}

/**
 * The references given, or simulated ones where none were and the budget allows.
 *
 * @param options.steps Steps of training per copy; null if the budget allows none.
 */
export async function textReferences(
  model: LoadedModel,
  texts: PreparedTexts,
  given: readonly LoadedModel[],
  options: Omit<TextSimulationOptions, "steps"> & { readonly steps: number | null },
): Promise<ChosenReferences> {
  const { steps } = options;
  const few = `With ${given.length} clean references the power is low; three or more are advised.`;
  const plain = (warnings: readonly string[]): ChosenReferences => ({
    references: given,
    isSimulated: false,
    passes: { forward: 0, backward: 0 },
    warnings,
    async [Symbol.asyncDispose]() {},
  });
  if (given.length > 0 || steps === null) return plain(given.length >= 3 ? [] : [few]);
  const why = await whyNoTextSimulation(model, texts, steps);
  if (why !== null) return plain([`${few} None were simulated: ${why}.`]);
  try {
    const made = await simulateTextReferences(model, texts, { ...options, steps });
    return {
      ...made,
      isSimulated: true,
      warnings: [
        `No references were given: ${made.references.length} were trained on the clean texts. They know less of the task than the model and share its vectors of words, so that the power is lower and the p-value only approximate.`,
      ],
      async [Symbol.asyncDispose]() {
        for (const one of made.references) one.release();
      },
    };
  } catch (error) {
    if (!(error instanceof AssayError) || error.code === "ABORTED") throw error;
    return plain([`${few} None could be simulated: ${error.message}`]);
  }
}

/** What `assay audit` reads before it starts: clean inputs, their labels, the range that a specification states. */
import { AssayError } from "../../lib/errors.js";
import type { LoadedModel } from "../../lib/model/index.js";
import type { TokenDomain } from "../../lib/spec/index.js";
import type { Tensor } from "../../lib/tensor/index.js";

/** Clean data of a file. */
export interface CleanFile {
  readonly inputs: Tensor;
  readonly labels: Tensor | undefined;
}

/**
 * Reads the clean data.
 *
 * @throws AssayError INVALID_FILE, FILE_NOT_FOUND, NOT_FINITE: the message names the file and what it holds.
 */
export async function readClean(path: string): Promise<CleanFile> {
  const { readNpz } = await import("../../lib/data/index.js");
  const arrays = await readNpz(path);
  const { inputs, labels } = arrays;
  if (!inputs) {
    const names = Object.keys(arrays);
    throw new AssayError(
      "INVALID_FILE",
      `"${path}" holds no array "inputs"${names.length > 0 ? `, only ${names.map((name) => `"${name}"`).join(", ")}` : ""}. Save the clean inputs under that name.`,
      { names },
    );
  }
  const index = Array.from(inputs.data as ArrayLike<unknown>).findIndex((value) => Number.isNaN(value));
  if (index >= 0) {
    throw new AssayError(
      "NOT_FINITE",
      `The inputs in "${path}" hold NaN (value ${index}). Repair or remove them.`,
      {
        index,
      },
    );
  }
  return { inputs, labels };
}

/**
 * The input range that a specification states, held against the data.
 *
 * @returns undefined without a specification, or where its domain is not about images.
 * @throws AssayError INVALID_ARGUMENT if the data clearly lie in another range.
 */
export async function statedRange(
  path: string | undefined,
  { inputs }: CleanFile,
): Promise<readonly [number, number] | undefined> {
  if (path === undefined) return undefined;
  const { readSpecification } = await import("../../lib/spec/index.js");
  const { domain } = await readSpecification(path);
  if (domain.type !== "image") return undefined;
  const [low, high] = domain.range;
  const [least, largest] = extremes(inputs);
  const width = high - low;
  const isOutside = least < low - 0.01 * width || largest > high + 0.01 * width;
  // Images from 0 to 1 for a model that takes 0 to 255 are all but black.
  const isTiny = largest - least < 0.02 * width;
  if (isOutside || isTiny) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `audit: the clean inputs lie in [${short(least)}, ${short(largest)}], the specification "${path}" says [${low}, ${high}]. Scale the inputs as the model takes them, or correct the range.`,
      { data: [least, largest], stated: [low, high] },
    );
  }
  return domain.range;
}

/**
 * What a specification states of token ids.
 *
 * @returns undefined without a specification.
 * @throws AssayError INVALID_ARGUMENT if the specification and the data are not both about tokens, or both not.
 */
export async function statedTokens(
  path: string | undefined,
  { inputs }: CleanFile,
): Promise<TokenDomain | undefined> {
  if (path === undefined) return undefined;
  const { readSpecification } = await import("../../lib/spec/index.js");
  const { domain } = await readSpecification(path);
  const isTokens = inputs.type === "int64" || inputs.type === "int32";
  if (isTokens !== (domain.type === "tokens")) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `audit: the specification "${path}" is about ${domain.type}, the clean inputs are ${inputs.type} [${inputs.dims.join(", ")}].`,
      { domain: domain.type },
    );
  }
  return domain.type === "tokens" ? domain : undefined;
}

function extremes({ data }: Tensor): [number, number] {
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (value < least) least = value;
    if (value > largest) largest = value;
  }
  return [least, largest];
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

/**
 * Holds the data against what a model takes.
 *
 * @throws AssayError INVALID_MODEL unless it has one input, SHAPE_MISMATCH.
 */
export function checkInputs(model: LoadedModel, { inputs }: CleanFile, data: string): void {
  const { dims, type } = inputs;
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
  const hint = input.type === type ? "" : ` Save them as ${input.type}.`;
  throw new AssayError(
    "SHAPE_MISMATCH",
    `audit: the model "${model.name}" takes ${input.type} [${input.dims.join(", ")}], "${data}" holds ${type} [${dims.join(", ")}].${hint}`,
    { model: input.dims, data: dims },
  );
}

/**
 * Holds the references against the model: they must tell the same number of classes apart.
 *
 * @throws AssayError SHAPE_MISMATCH naming the reference.
 */
export async function checkReferences(
  model: LoadedModel,
  references: readonly LoadedModel[],
  { inputs }: CleanFile,
): Promise<void> {
  const { takeExamples } = await import("../../lib/tensor/index.js");
  const few = takeExamples(
    inputs,
    Uint32Array.from({ length: Math.min(2, inputs.dims[0] ?? 0) }, (_, i) => i),
  );
  const classesOf = async (one: LoadedModel): Promise<number | undefined> =>
    Object.values(await one.run(few))[0]?.dims.at(-1);
  if (references.length === 0) return;
  const own = await classesOf(model);
  for (const reference of references) {
    const other = await classesOf(reference);
    if (other === own) continue;
    throw new AssayError(
      "SHAPE_MISMATCH",
      `audit: the reference "${reference.name}" tells ${other} classes apart, "${model.name}" ${own}. References must be models of the same task.`,
      { reference: reference.name, classes: [own, other] },
    );
  }
}

/** Scales under which images are commonly saved, and what they multiply with. */
const scales = [
  { words: "multiplied by 255", factor: 255, offset: 0 },
  { words: "divided by 255", factor: 1 / 255, offset: 0 },
  { words: "mapped from [0, 1] to [-1, 1]", factor: 2, offset: -1 },
  { words: "mapped from [-1, 1] to [0, 1]", factor: 0.5, offset: 0.5 },
];
const TRIED = 256;
/** Accuracy below which other scales are tried, and the gain from which one is named. */
const POOR = 0.5;
const GAIN = 0.3;

/**
 * Notices inputs that are scaled otherwise than the model expects: it gets them wrong, and right when they are
 * scaled as another convention has it.
 *
 * @throws AssayError INVALID_ARGUMENT naming the scale that fits.
 */
export async function checkScale(
  model: LoadedModel,
  { inputs, labels }: CleanFile,
  data: string,
): Promise<void> {
  if (inputs.type !== "float32" || labels === undefined) return;
  const { takeExamples } = await import("../../lib/tensor/index.js");
  const { observe } = await import("../../lib/spec/index.js");
  const count = Math.min(TRIED, inputs.dims[0] ?? 0);
  const some = takeExamples(
    inputs as Tensor<"float32">,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  const accuracy = async (factor: number, offset: number): Promise<number> => {
    const scaled = { ...some, data: some.data.map((value) => value * factor + offset) };
    const { predicted } = await observe(model, scaled);
    return predicted.filter((answer, i) => answer === Number(labels.data[i])).length / count;
  };
  const own = await accuracy(1, 0);
  if (own >= POOR) return;
  for (const { words, factor, offset } of scales) {
    const other = await accuracy(factor, offset);
    if (other < own + GAIN) continue;
    throw new AssayError(
      "INVALID_ARGUMENT",
      `audit: the model "${model.name}" is right on ${percent(own)} of the clean inputs in "${data}" as they are, and on ${percent(other)} when they are ${words}. Save them that way.`,
      { accuracy: own, scaled: other },
    );
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

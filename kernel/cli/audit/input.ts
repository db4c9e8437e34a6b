/** What `assay audit` reads before it starts: clean inputs, their labels, what a specification states of them. */
import { AssayError } from "../../../lib/errors.js";
import type { LoadedModel } from "../../../lib/model/index.js";
import type { TokenDomain } from "../../../lib/spec/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";

/** Clean data of a file. */
export interface CleanFile {
  readonly inputs: Tensor;
  readonly labels: Tensor<"int64"> | undefined;
}

/**
 * Reads the clean data.
 *
 * @throws AssayError INVALID_FILE, FILE_NOT_FOUND, NOT_FINITE, SHAPE_MISMATCH or TYPE_MISMATCH of the labels: the
 *   message names the file and what it holds.
 */
export async function readClean(path: string): Promise<CleanFile> {
  const { labelTensor, readNpz } = await import("../../../lib/data/index.js");
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
  const count = inputs.dims[0] ?? 0;
  if (count === 0) {
    throw new AssayError(
      "INVALID_FILE",
      `"${path}" holds no examples: its inputs are [${inputs.dims.join(", ")}].`,
      {
        dims: inputs.dims,
      },
    );
  }
  checkFinite(inputs, path);
  return { inputs, labels: labels && labelTensor(classNumbers(labels, count, path), count, `"${path}"`) };
}

function checkFinite({ data }: Tensor, path: string): void {
  const values = data as ArrayLike<unknown>;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value !== "number" || Number.isFinite(value)) continue;
    throw new AssayError(
      "NOT_FINITE",
      `The inputs in "${path}" hold ${value} (value ${index}). Repair or remove them.`,
      { index },
    );
  }
}

/** Labels that are one number per input; one-hot rows would be read as such. */
function classNumbers(labels: Tensor, count: number, path: string): Tensor {
  const [rows, width = 1, ...others] = labels.dims;
  if (rows === count && width > 1 && others.length === 0) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `The labels in "${path}" are [${labels.dims.join(", ")}], one row per input: save class numbers [${count}] instead, in Python labels.argmax(axis=1).`,
      { dims: labels.dims },
    );
  }
  return labels;
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
  const { readSpecification } = await import("../../../lib/spec/index.js");
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
  const { readSpecification } = await import("../../../lib/spec/index.js");
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
  const scaled = type.startsWith("float") ? "" : ", scaled as the model takes them";
  const hint =
    input.type === type
      ? shapeHint(input.dims, dims, type === "int64")
      : ` Save them as ${input.type}${scaled}.`;
  throw new AssayError(
    "SHAPE_MISMATCH",
    `audit: the model "${model.name}" takes ${input.type} [${input.dims.join(", ")}], "${data}" holds ${type} [${dims.join(", ")}].${hint}`,
    { model: input.dims, data: dims },
  );
}

/** How inputs of another shape would fit: with the same values, or with the channels moved. */
function shapeHint(wanted: readonly (number | string)[], given: readonly number[], isText: boolean): string {
  const [count = 0, ...own] = given;
  const sizes = wanted.slice(1);
  if (own.length === 3 && sizes.length === 3) {
    const fits = (order: readonly number[]): boolean =>
      order.every((from, to) => typeof sizes[to] !== "number" || sizes[to] === own[from]);
    if (fits([2, 0, 1])) return " Move the channels to the front: inputs.transpose(0, 3, 1, 2) in Python.";
    if (fits([1, 2, 0])) return " Move the channels to the end: inputs.transpose(0, 2, 3, 1) in Python.";
  }
  if (own.length === 1 && sizes.length === 1 && isText)
    return ` Cut the texts to ${sizes[0]} tokens, or fill them up with the padding token.`;
  const product = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1);
  const known = sizes.filter((dim): dim is number => typeof dim === "number");
  if (known.length < sizes.length || product(known) !== product(own)) return "";
  return ` Reshape them to [${[count, ...known].join(", ")}].`;
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
  const { takeExamples } = await import("../../../lib/tensor/index.js");
  const few = takeExamples(
    inputs,
    Uint32Array.from({ length: Math.min(2, inputs.dims[0] ?? 0) }, (_, i) => i),
  );
  const classesOf = async (one: LoadedModel): Promise<number | undefined> =>
    (await one.run(few))[one.outputs[0]?.name ?? ""]?.dims.at(-1);
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

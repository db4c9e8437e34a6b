/** Clean texts made ready for a search: the tokens that may be used, labels, and a part held out. */
import type { LabelledData } from "../../data/index.js";
import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import { generator } from "../../random/index.js";
import { domainOf, observe, type TokenDomain } from "../../spec/index.js";
import { type Tensor, takeExamples } from "../../tensor/index.js";
import { frameOf, spanOf, type TextFrame, type TokenTrigger } from "../../trigger/index.js";
import { type CleanData, checkCount, splitClean } from "../clean-data.js";
import { type Carriers, carriersOf } from "./carriers.js";

/** What every step of a search for token triggers needs to know. */
export interface PreparedTexts {
  readonly length: number;
  readonly classes: number;
  readonly vocabulary: number;
  /** Tokens that a trigger may hold, rising. */
  readonly allowed: Int32Array;
  readonly lengths: readonly [number, number];
  /** Where the specification says that triggers go. */
  readonly position: TokenTrigger["position"];
  /** What texts have around their words. */
  readonly frame: TextFrame;
  readonly search: LabelledData;
  readonly heldOut: LabelledData;
  readonly carriers: Carriers;
  readonly heldOutCarriers: Carriers;
  /** SHA-256 of the search texts and their labels. */
  readonly digest: string;
  /** False where the model answers the clean data as by chance. */
  readonly knowsTask: boolean;
  readonly warnings: readonly string[];
}

const words = { one: "text", doubt: "are they tokenised as it expects" } as const;
/** Most texts held out that statistics are computed on; success rates use all. */
const MAX_CARRIERS = 128;

/**
 * Splits clean texts into a part to search on and a part held out, and checks them against the model.
 *
 * Without labels the model's own answers take their place.
 *
 * @param options.domain Vocabulary, padding and the triggers to search. Default: read off the model and the data.
 * @throws AssayError SHAPE_MISMATCH, NOT_FINITE, INVALID_ARGUMENT: fewer than 40 texts, one class, a token outside
 *   the vocabulary, triggers longer than the texts.
 */
export async function prepareTexts(
  model: LoadedModel,
  clean: CleanData,
  options: { readonly seed: number; readonly domain?: TokenDomain | undefined },
): Promise<PreparedTexts> {
  const inputs = tokensOf(clean.inputs);
  const [count, length] = inputs.dims as [number, number];
  checkCount(count, words);
  const domain = options.domain ?? (domainOf(model, clean.inputs) as TokenDomain);
  const { vocabulary, padding, trigger = { length: [1, 5], position: "anywhere" } } = domain;
  const outside = inputs.data.findIndex((token) => token < 0n || token >= BigInt(vocabulary));
  if (outside >= 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `Token ${inputs.data[outside]} of text ${Math.floor(outside / length)} is outside the vocabulary of ${vocabulary}.`,
      { vocabulary },
    );
  }
  const frame = frameOf(inputs, padding ?? null);
  const edges = edgeTokens(inputs, frame);
  const [shortest, wanted] = trigger.length;
  const longest = Math.min(wanted, length - frame.head - frame.tail);
  if (shortest > longest) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `The specification asks for triggers of at least ${shortest} tokens; the texts have ${longest}.`,
      { shortest, length },
    );
  }
  const seen = await observe(model, clean.inputs);
  const { search, heldOut, digest, knowsTask, warnings } = splitClean(model, inputs, clean.labels, seen, {
    seed: options.seed,
    words,
  });
  const carriers = (data: LabelledData, most: number, name: string): Carriers => {
    const rows = Array.from({ length: Math.min(most, data.labels.data.length) }, (_, i) => i);
    return carriersOf(
      {
        inputs: takeExamples(data.inputs, rows) as Tensor<"int64">,
        labels: Int32Array.from(rows, (row) => Number(data.labels.data[row]!)),
      },
      {
        classes: seen.classes,
        position: trigger.position,
        frame,
        seed: generator(options.seed)
          .split(name)
          .integer(2 ** 31),
      },
    );
  };
  return {
    length,
    classes: seen.classes,
    vocabulary,
    allowed: Int32Array.from({ length: vocabulary }, (_, token) => token).filter(
      (token) => token !== padding && !edges.has(token),
    ),
    lengths: [shortest, longest],
    position: trigger.position,
    frame,
    search,
    heldOut,
    carriers: carriers(search, count, "search"),
    heldOutCarriers: carriers(heldOut, MAX_CARRIERS, "held out"),
    digest,
    knowsTask,
    warnings,
  };
}

/** Tokens that frame every text: no trigger is made of them. */
function edgeTokens({ dims, data }: Tensor<"int64">, frame: TextFrame): Set<number> {
  const row = data.subarray(0, dims[1]);
  const { start, end } = spanOf(row, frame);
  return new Set(
    [...row.subarray(start, start + frame.head), ...row.subarray(end - frame.tail, end)].map(Number),
  );
}

function tokensOf(inputs: Tensor): Tensor<"int64"> {
  const { type, dims, data } = inputs;
  if ((type !== "int64" && type !== "int32") || dims.length !== 2) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `A search for token triggers needs int64 token ids [n, length], got ${type} [${dims.join(", ")}].`,
      { type, dims },
    );
  }
  if (type === "int64") return inputs as Tensor<"int64">;
  return { type: "int64", dims, data: BigInt64Array.from(data as Int32Array, BigInt) };
}

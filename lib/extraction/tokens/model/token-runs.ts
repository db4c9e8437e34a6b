/** Runs a model on sequences of tokens, in parts that do not hold the thread long. */
import {
  type EmbeddingLookup,
  lastFeatures,
  type Model,
  prune,
  specialise,
  untyped,
} from "../../../onnx/index.js";
import { defaultThreads, type Session } from "../../../runtime/index.js";
import type { Tensor } from "../../../tensor/index.js";
import { beforeSoftmax } from "../../bare-model.js";
import { lossGraph, names } from "./loss-graph.js";
import { lossNames, tokenLossGraph } from "./token-loss-graph.js";
import type { Passes, TokenModel } from "./token-model.js";

/** A graph that gives scores of sequences. */
export interface TokenGraph {
  readonly graph: Model;
  readonly session: (key: string, make: () => Model) => Session;
  /** Put before the keys of its sessions. */
  readonly key?: string;
  /** Name of the scores. */
  readonly output: string;
  /** Tokens of a sequence. */
  readonly length: number;
  readonly passes: Passes;
  readonly lookups: () => readonly EmbeddingLookup[];
  /** What is fed for these sequences, of which the first is number `start` of those asked for. */
  readonly feeds: (ids: BigInt64Array, start: number) => Readonly<Record<string, Tensor>>;
}

/**
 * Tokens of one run for each thread: what the layers make of them then stays in a core's own cache. Of 64 words and on
 * one thread, 64 sequences at a time take 27 % less time each than 512.
 */
const TOKENS = 4096;
/** Sequences of one run at most: short enough that the thread is not held long. */
const SEQUENCES = 512;
/** Values of the scores of one run; a language model has many. */
const MAX_SCORES = 2 ** 22;

/** What a model tells of sequences. */
export type TokenRuns = Pick<TokenModel, "scores" | "features" | "tokenLosses" | "gradients">;

/** Scores, features, losses and gradients of sequences. */
export function tokenRuns(source: TokenGraph): TokenRuns {
  const { graph, session, key = "token", output, length, passes, feeds } = source;
  const bare = beforeSoftmax(graph, output);
  const features = lastFeatures(bare.model, bare.logits);
  const outputs = [...new Set([bare.logits, features])];
  const tapped = (): Session =>
    session(`${key} scores`, () => ({ ...graph, graph: prune(graph.graph, outputs.map(untyped)) }));
  const most = Math.min(SEQUENCES, Math.ceil((TOKENS * defaultThreads()) / length));
  // The first run is small, and tells how many scores a sequence has.
  let perRun = 16;
  let classes: number | undefined;
  const self: TokenRuns = {
    scores: (ids) => self.features(ids),
    async features(ids) {
      const count = ids.length / length;
      passes.forward += count;
      const parts: Record<string, Tensor>[] = [];
      for (let start = 0; start < count; ) {
        const end = Math.min(count, start + perRun);
        const part = await run(tapped(), feeds(ids.subarray(start * length, end * length), start), outputs);
        parts.push(part);
        const size = part[bare.logits]!.data.length / (end - start);
        perRun = Math.max(1, Math.min(most, Math.floor(MAX_SCORES / size)));
        start = end;
      }
      const logits = joined(parts.map((part) => part[bare.logits]!));
      const all = joined(parts.map((part) => part[features]!));
      return {
        logits,
        size: logits.length / Math.max(count, 1),
        classes: parts[0]?.[bare.logits]?.dims.at(-1) ?? 0,
        features: all,
        width: all.length / Math.max(count, 1),
      };
    },
    async tokenLosses(ids, from, to) {
      const count = ids.length / length;
      passes.forward += count;
      const losses = new Float32Array(count * (to - from));
      const place = (at: number): Tensor => ({
        type: "int64",
        dims: [1],
        data: BigInt64Array.of(BigInt(at)),
      });
      for (let start = 0; start < count; ) {
        const fits = classes === undefined ? 16 : Math.floor(MAX_SCORES / ((to - from) * classes));
        const end = Math.min(count, start + Math.max(1, Math.min(most, fits)));
        const part = ids.subarray(start * length, end * length);
        const found = await run(
          session(`${key} losses`, () => tokenLossGraph(graph, output)),
          {
            ...feeds(part, start),
            [lossNames.tokens]: { type: "int64", dims: [end - start, length], data: part },
            [lossNames.from]: place(from),
            [lossNames.to]: place(to),
          },
          [lossNames.losses, lossNames.classes],
        );
        losses.set(found[lossNames.losses]!.data as Float32Array, start * (to - from));
        classes = Number(found[lossNames.classes]!.data[0]);
        start = end;
      }
      return losses;
    },
    async gradients(ids, weights, shifts) {
      const count = ids.length / length;
      const lookups = source.lookups();
      const fed = feeds(ids, 0);
      const special = specialise(graph, fed);
      const loss = session(`${key} gradients ${special.key}`, () =>
        lossGraph(special.model, output, lookups),
      );
      const all: Record<string, Tensor> = {
        ...fed,
        [names.weights]: { type: "float32", dims: [weights.length], data: weights },
      };
      lookups.forEach(({ width, order }, i) => {
        const shift = shifts?.[i] ?? new Float32Array(ids.length * width);
        const data = ordered(shift, count, length, width, order);
        all[names.shift(i)] = { type: "float32", dims: [data.length], data };
      });
      const wanted = [names.logits, ...lookups.map((_, i) => names.gradient(i))];
      const out = await run(loss, all, wanted);
      passes.forward += count;
      passes.backward += count;
      const logits = out[names.logits]!;
      return {
        logits: logits.data as Float32Array,
        size: logits.data.length / count,
        classes: logits.dims.at(-1)!,
        gradients: lookups.map(({ width, order }, i) =>
          ordered(out[names.gradient(i)]!.data as Float32Array, length, count, width, order),
        ),
      };
    },
  };
  return self;
}

/** Runs a session on those of the feeds that its graph still reads. */
const run = (
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
): Promise<Record<string, Tensor>> =>
  session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]!])), outputs);

/** `[a, b, width]` as it is, or turned to `[b, a, width]` where the vectors lie position by position. */
function ordered(
  values: Float32Array,
  a: number,
  b: number,
  width: number,
  order: EmbeddingLookup["order"],
): Float32Array {
  if (order === "examples") return values;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      turned.set(values.subarray((i * b + j) * width, (i * b + j + 1) * width), (j * a + i) * width);
    }
  }
  return turned;
}

function joined(parts: readonly Tensor[]): Float32Array {
  if (parts.length === 1) return parts[0]!.data as Float32Array;
  const total = parts.reduce((sum, { data }) => sum + data.length, 0);
  const all = new Float32Array(total);
  let at = 0;
  for (const { data } of parts) {
    all.set(data as Float32Array, at);
    at += data.length;
  }
  return all;
}

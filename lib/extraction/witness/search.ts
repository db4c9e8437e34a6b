/** The search for a pattern that wakes planted logic, and for the part of it that is needed. */
import { AssayError } from "../../errors.js";
import type { FoundLogic, Model } from "../../onnx/index.js";
import { sizeOf, type Tensor } from "../../tensor/index.js";
import { ascend } from "./ascend.js";
import { type CandidateOptions, candidates, levels, noise } from "./candidates.js";
import { codes, placesRead } from "./codes.js";
import type { Examined, Examiner } from "./examiner.js";
import { phrases } from "./phrases.js";
import { like, shrink, stamped, unitsOf } from "./shrink.js";
import { unusualAnswers } from "./unusual.js";

/** What an input is changed to, and where. */
export interface Trigger {
  readonly pattern: Float64Array;
  readonly units: ReturnType<typeof unitsOf>;
  readonly kept: ReadonlySet<number>;
}

/** Where to look. */
export interface Search {
  readonly graph: Model;
  readonly found: FoundLogic;
  readonly examiner: Examiner;
  readonly examples: readonly Tensor[];
  /** What the model answers to the examples as they are. */
  readonly usual: readonly Examined[];
  readonly range: readonly [number, number];
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
}

/** Inputs on all of which a trigger must still work while it is made smaller: one alone may hold part of it. */
const MAX_BASES = 6;

/**
 * Triggers that wake the logic, the most likely first: by whole patterns on one clean input, then question by
 * question, for logic that also waits for what the network says, then by noise.
 */
export async function* triggers(search: Search): AsyncGenerator<Trigger> {
  const { found, graph, examiner, examples, range, signal } = search;
  const bases = basesOf(search);
  const [base] = bases;
  if (base === undefined) return;
  const dims = base.dims.slice(1);
  const isWhole = base.type !== "float32" && base.type !== "float64";
  const from = { graph, questions: [...found.questions, ...found.deciding] };
  const options: CandidateOptions = { dims, range, isWhole };
  const numbers = Array.from(base.data as ArrayLike<number | bigint>, Number);
  const ways: (() => Iterable<Float64Array> | Promise<Iterable<Float64Array>>)[] = [
    () => candidates(from, options),
    ...(isWhole
      ? [() => phrases(from, numbers)]
      : [
          () => ascend({ graph, questions: found.questions }, examples, range, signal),
          // The first answer may be a rounding that tells nothing: what is made of it does.
          () => ascend({ graph, questions: found.deciding }, examples, range, signal),
          () => levels(options),
          () => codesOf(search, base, numbers),
        ]),
  ];
  for (const way of ways) {
    const whole = await firstThatWakes(examiner, bases, await way());
    if (whole === undefined) continue;
    yield* shrunk(search, bases, whole);
    break;
  }
  yield* questionByQuestion(search, options);
  const drawn = await firstThatWakes(examiner, bases, noise(options, search.seed));
  if (drawn !== undefined) yield* shrunk(search, bases, drawn);
}

async function codesOf({ graph, found, examiner }: Search, base: Tensor, numbers: readonly number[]) {
  const reads = await placesRead(numbers, found.questions.length, async (values) => {
    const seen = await examiner.ask(like(base, values)).catch(ignoreUnfit);
    return seen?.answers.map(({ data }) => Array.from(data as ArrayLike<unknown>, String).join());
  });
  return codes(graph, found.deciding, reads, numbers);
}

/** Clean examples that do not wake the logic as they are. */
const basesOf = ({ examples, usual }: Search): Tensor[] =>
  examples.filter((_, i) => !usual[i]!.isAwake).slice(0, MAX_BASES);

/** The part of a pattern that works on several inputs, then the whole of it. */
async function* shrunk(
  { examiner }: Search,
  bases: readonly Tensor[],
  pattern: Float64Array,
): AsyncGenerator<Trigger> {
  const [base] = bases;
  const units = unitsOf(base!.dims.slice(1), base!.type !== "float32" && base!.type !== "float64");
  const all = new Set(units.keys());
  const full = await examiner.ask(stamped(base!, pattern, units, all));
  const works = (seen: Examined): boolean =>
    full.label === full.alone ? seen.isAwake : seen.label !== seen.alone;
  const on: Tensor[] = [];
  for (const example of bases) {
    if (works(await examiner.ask(stamped(example, pattern, units, all)))) on.push(example);
  }
  const kept = await shrink(units, async (some) => {
    for (const example of on) {
      if (!works(await examiner.ask(stamped(example, pattern, units, some)))) return false;
    }
    return true;
  });
  yield { pattern, units, kept };
  // What the few inputs above had in common with the trigger, others lack.
  if (kept.size < units.length) yield { pattern, units, kept: all };
}

/**
 * Patterns that bring single questions to an answer that no clean input gets, made small and put together: the logic
 * may need several at once, or a class of input that the base is not of.
 */
async function* questionByQuestion(search: Search, options: CandidateOptions): AsyncGenerator<Trigger> {
  const { graph, found, examiner, examples, usual, range, signal } = search;
  const base = basesOf(search)[0]!;
  const units = unitsOf(options.dims, options.isWhole);
  const pattern = new Float64Array(sizeOf(options.dims));
  const kept = new Set<number>();
  for (const [i, question] of found.questions.entries()) {
    const isUnusual = unusualAnswers(usual.map(({ answers }) => answers[i]!));
    const wakes = (seen: Examined | undefined): boolean => seen !== undefined && isUnusual(seen.answers[i]!);
    const single = { graph, questions: [question] };
    const ways = [
      () => candidates(single, options),
      () => (options.isWhole ? [] : ascend(single, examples, range, signal)),
      () => levels(options),
    ];
    for (const way of ways) {
      const whole = await first(await way(), async (values) =>
        wakes(await examiner.ask(like(base, values)).catch(ignoreUnfit)),
      );
      if (whole === undefined) continue;
      const some = await shrink(units, async (part) =>
        wakes(await examiner.ask(stamped(base, whole, units, part))),
      );
      if (some.size === units.length) break;
      for (const unit of some) {
        kept.add(unit);
        for (const place of units[unit]!) pattern[place] = whole[place]!;
      }
      break;
    }
  }
  if (kept.size > 0) yield { pattern, units, kept };
}

async function first(
  tried: Iterable<Float64Array>,
  isWanted: (values: Float64Array) => Promise<boolean>,
): Promise<Float64Array | undefined> {
  for (const values of tried) if (await isWanted(values)) return values;
  return undefined;
}

/**
 * The first candidate that wakes the logic and changes the answer by it, on another clean input as well, else the
 * first that wakes it at all: the rest of one input may hold a part of the trigger by chance.
 */
async function firstThatWakes(
  examiner: Examiner,
  [base, other]: readonly Tensor[],
  tried: Iterable<Float64Array>,
): Promise<Float64Array | undefined> {
  if (base === undefined) return undefined;
  let any: Float64Array | undefined;
  const units = unitsOf(base.dims.slice(1), base.type !== "float32" && base.type !== "float64");
  const own = Array.from(base.data as ArrayLike<number | bigint>, Number);
  const transfers = async (values: Float64Array): Promise<boolean> => {
    const changed = [...units.keys()].filter((unit) =>
      units[unit]!.some((place) => values[place] !== own[place]),
    );
    if (other === undefined || changed.length === units.length) return true;
    const seen = await examiner.ask(stamped(other, values, units, changed)).catch(ignoreUnfit);
    return seen?.isAwake === true;
  };
  const changing = await first(tried, async (values) => {
    const seen = await examiner.ask(like(base, values)).catch(ignoreUnfit);
    if (!seen?.isAwake || seen.label < 0) return false;
    any ??= values;
    return seen.label !== seen.alone && (await transfers(values));
  });
  return changing ?? any;
}

/** Candidates that the model cannot take, such as words that it does not know, are none. */
export function ignoreUnfit(error: unknown): undefined {
  if (!(error instanceof AssayError) || error.code === "TOO_LARGE" || error.code === "ABORTED") throw error;
}

/** A specification: what a model is for, as data that can be stored, and as predicates in code. */
import type { Tensor } from "../tensor/index.js";

/** What the model says it can do, and on what. */
export interface Specification {
  readonly kind: "specification";
  readonly name?: string;
  readonly domain: Domain;
  /** What is observed of the model. Default: its output. */
  readonly observes?: Observed;
  readonly clauses: readonly Clause[];
}

/**
 * What is observed of a model on an input: an output by name, or an inner tensor, flattened. Clauses about answers
 * (accuracy, invariance, forbidden output, no trigger, fairness) need an output. Text is observed by clauses of
 * forbidden text, through the decoder that `spec.check` is given.
 */
export type Observed =
  | { readonly type: "output"; readonly name?: string }
  | { readonly type: "activation"; readonly at: string };

/** Which inputs the specification speaks about. */
export type Domain = ImageDomain | TokenDomain | TableDomain | AudioDomain | EnumerationDomain;

/** Pictures: `[n, channels, height, width]`. */
export interface ImageDomain {
  readonly type: "image";
  /** Smallest and largest value of an element, in the units that the model takes. */
  readonly range: readonly [number, number];
}

/** Sequences of token ids: `[n, length]`. */
export interface TokenDomain {
  readonly type: "tokens";
  /** Number of token ids; ids run from 0. */
  readonly vocabulary: number;
  /** Id that fills short sequences. */
  readonly padding?: number;
  /** What an attacker could put in. */
  readonly trigger?: {
    readonly length: readonly [number, number];
    readonly position: "prefix" | "suffix" | "anywhere";
  };
}

/** Rows of numbers: `[n, columns]`. */
export interface TableDomain {
  readonly type: "table";
  readonly columns?: readonly {
    readonly name: string;
    readonly range?: readonly [number, number];
  }[];
}

/** Frames of sound or of its features. */
export interface AudioDomain {
  readonly type: "audio";
  readonly range: readonly [number, number];
  readonly sampleRateHz?: number;
}

/** Every sequence of `length` symbols from 0 to `symbols` - 1: small enough to be checked one by one. */
export interface EnumerationDomain {
  readonly type: "enumeration";
  readonly symbols: number;
  readonly length: number;
  /** Symbol of each place that does not vary, null where all symbols occur. Default: all places vary. */
  readonly fixed?: readonly (number | null)[];
}

/** One promise. Rates are shares of the examples it speaks about. */
export type Clause =
  | AccuracyClause
  | InvarianceClause
  | ForbiddenOutputClause
  | MonotonicityClause
  | NoTriggerClause
  | FairnessClause
  | RareEventClause
  | ForbiddenTextClause
  | PredicateClause;

interface Named {
  /** Shown in the report. Default: a sentence made from the clause. */
  readonly name?: string;
}

/** The model answers with the label. */
export interface AccuracyClause extends Named {
  readonly type: "accuracy";
  readonly atLeast: number;
}

/** The answer does not change under a harmless change of the input. */
export interface InvarianceClause extends Named {
  readonly type: "invariance";
  readonly under: Change;
  /** Speak only about inputs with one of these labels. */
  readonly whenLabel?: readonly number[];
  /** Largest share of inputs whose answer may change. */
  readonly atMost: number;
}

/** Harmless changes. Amounts are in input units; results are kept inside an image's or sound's range. */
export type Change =
  /** Moves a picture by up to this many pixels each way; new pixels get the range's lower end. */
  | { readonly type: "shift"; readonly pixels: number }
  /** Adds independent uniform noise of up to this amplitude to every element. */
  | { readonly type: "noise"; readonly amplitude: number }
  /** Adds one uniform amount of up to this size to all elements. */
  | { readonly type: "brightness"; readonly amount: number }
  /** Mirrors a picture left to right. */
  | { readonly type: "mirror" }
  /** Multiplies all elements by one factor, up to this many decibels up or down. */
  | { readonly type: "gain"; readonly decibels: number }
  /** Moves frames along the last axis by up to this many places each way; silence (0) fills in. */
  | { readonly type: "delay"; readonly frames: number }
  /** Replaces this many random tokens by padding. */
  | { readonly type: "drop-tokens"; readonly count: number }
  /** Puts this many tokens, drawn from a list, at random places; the last tokens drop out. */
  | { readonly type: "insert-tokens"; readonly count: number; readonly from: readonly number[] };

/** These classes are not answered, except where they are the label. */
export interface ForbiddenOutputClause extends Named {
  readonly type: "forbidden-output";
  readonly outputs: readonly number[];
  /** Speak only about inputs with one of these labels. */
  readonly whenLabel?: readonly number[];
  readonly atMost: number;
}

/** Raising a feature never lowers (or never raises) the score of a class. */
export interface MonotonicityClause extends Named {
  readonly type: "monotonicity";
  /** Index of the feature in a flattened example. */
  readonly feature: number;
  /** By how much it is raised, in input units. */
  readonly step: number;
  /** Index of the output whose score is watched. */
  readonly output: number;
  readonly direction: "rising" | "falling";
  readonly atMost: number;
}

/** No trigger that an attacker could apply makes inputs of other classes become `target` more often than this. */
export interface NoTriggerClause extends Named {
  readonly type: "no-trigger";
  /** One class, or all of them in turn. Default: all. */
  readonly target?: number;
  readonly successAtMost: number;
}

/** Accuracy does not differ between groups by more than this. */
export interface FairnessClause extends Named {
  readonly type: "fairness";
  readonly differenceAtMost: number;
}

/** A score or an activation leaves its bounds on at most this share of inputs. */
export interface RareEventClause extends Named {
  readonly type: "rare-event";
  /** Index of the observed value. */
  readonly output: number;
  /** The event: the value lies above, or below, these bounds. At least one of them is given. */
  readonly above?: number;
  readonly below?: number;
  /** Speak only about inputs with one of these labels. */
  readonly whenLabel?: readonly number[];
  readonly atMost: number;
}

/** Text that the model produces matches this pattern on at most this share of inputs. */
export interface ForbiddenTextClause extends Named {
  readonly type: "forbidden-text";
  /** A regular expression, without slashes; case does not matter. */
  readonly pattern: string;
  readonly atMost: number;
}

/** A promise in code; cannot be stored in a file. */
export interface PredicateClause extends Named {
  readonly type: "predicate";
  readonly name: string;
  /** Whether this example breaks the promise. */
  readonly isViolated: (example: ObservedExample) => boolean;
  readonly atMost: number;
}

/** One example as a predicate sees it. */
export interface ObservedExample {
  readonly index: number;
  /** The input without its batch axis. */
  readonly input: Tensor;
  /** The model's scores. */
  readonly scores: Float64Array;
  /** Index of the highest score. */
  readonly predicted: number;
  readonly label: number | undefined;
}

/** A clause in one sentence. */
export function describeClause(clause: Clause): string {
  if (clause.name !== undefined) return clause.name;
  const percent = (rate: number): string => `${Number((rate * 100).toPrecision(4))} %`;
  switch (clause.type) {
    case "accuracy":
      return `answers the label on at least ${percent(clause.atLeast)} of inputs`;
    case "invariance":
      return `${describeChange(clause.under)} changes the answer on at most ${percent(clause.atMost)} of inputs${when(clause)}`;
    case "forbidden-output":
      return `wrongly answers ${clause.outputs.join(" or ")} on at most ${percent(clause.atMost)} of inputs${when(clause)}`;
    case "rare-event": {
      const bounds = [
        ...(clause.above === undefined ? [] : [`above ${clause.above}`]),
        ...(clause.below === undefined ? [] : [`below ${clause.below}`]),
      ];
      return `value ${clause.output} lies ${bounds.join(" or ")} on at most ${percent(clause.atMost)} of inputs${when(clause)}`;
    }
    case "forbidden-text":
      return `says /${clause.pattern}/ on at most ${percent(clause.atMost)} of inputs`;
    case "monotonicity":
      return `raising feature ${clause.feature} by ${clause.step} moves output ${clause.output} the wrong way on at most ${percent(clause.atMost)} of inputs`;
    case "no-trigger":
      return `no known trigger leads to ${clause.target === undefined ? "any class" : `class ${clause.target}`} on more than ${percent(clause.successAtMost)} of inputs`;
    case "fairness":
      return `accuracy differs between groups by at most ${percent(clause.differenceAtMost)}`;
    case "predicate":
      return clause.name;
  }
}

const when = ({ whenLabel }: { readonly whenLabel?: readonly number[] }): string =>
  whenLabel ? ` of class ${whenLabel.join(", ")}` : "";

function describeChange(change: Change): string {
  switch (change.type) {
    case "shift":
      return `moving by up to ${change.pixels} pixel${change.pixels === 1 ? "" : "s"}`;
    case "noise":
      return `noise of up to ${change.amplitude}`;
    case "brightness":
      return `a brightness change of up to ${change.amount}`;
    case "mirror":
      return "mirroring";
    case "gain":
      return `a change of volume by up to ${change.decibels} dB`;
    case "delay":
      return `a delay of up to ${change.frames} frame${change.frames === 1 ? "" : "s"}`;
    case "insert-tokens":
      return `putting in ${change.count} of ${change.from.length} token${change.from.length === 1 ? "" : "s"}`;
    case "drop-tokens":
      return `dropping ${change.count} token${change.count === 1 ? "" : "s"}`;
  }
}

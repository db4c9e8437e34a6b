/** A specification: what a model is for, as data that can be stored, and as predicates in code. */
import type { Tensor } from "../tensor/index.js";

/** What the model says it can do, and on what. */
export interface Specification {
  readonly kind: "specification";
  readonly name?: string;
  readonly domain: Domain;
  readonly clauses: readonly Clause[];
}

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
}

/** One promise. Rates are shares of the examples it speaks about. */
export type Clause =
  | AccuracyClause
  | InvarianceClause
  | ForbiddenOutputClause
  | MonotonicityClause
  | NoTriggerClause
  | FairnessClause
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
  /** Replaces this many random tokens by padding. */
  | { readonly type: "drop-tokens"; readonly count: number };

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

/** A promise in code; cannot be stored in a file. */
export interface PredicateClause extends Named {
  readonly type: "predicate";
  readonly name: string;
  /** Whether this example breaks the promise. */
  readonly isViolated: (example: Observed) => boolean;
  readonly atMost: number;
}

/** One example as a predicate sees it. */
export interface Observed {
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
      return `${describeChange(clause.under)} changes the answer on at most ${percent(clause.atMost)} of inputs`;
    case "forbidden-output": {
      const when = clause.whenLabel ? ` on inputs of class ${clause.whenLabel.join(", ")}` : "";
      return `wrongly answers ${clause.outputs.join(" or ")} on at most ${percent(clause.atMost)} of inputs${when}`;
    }
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
    case "drop-tokens":
      return `dropping ${change.count} token${change.count === 1 ? "" : "s"}`;
  }
}

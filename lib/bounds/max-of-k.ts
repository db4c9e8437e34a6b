/**
 * Proofs that an attention-only network names the largest of K symbols, for all v^K inputs without running them.
 *
 * Guarantee: every counted sequence is answered by its largest symbol, in real arithmetic with at least `margin` logits
 * between the answer and any other; float32 inference differs by about 1e-5 logits, so the count holds for the model
 * as it is run. Cost: O(v^4 K) multiplications, 2^26 at v = 64 and K = 4, against 2^33 for running all inputs.
 *
 * The idea: softmax weights are positive, so "j does not beat m" holds iff the sum over positions of
 * exp(score) · (direct + value of the symbol there, j minus m) is negative, and that is linear in the symbols. Fix the
 * last symbol q, the largest symbol m, and the number c of other places that hold smaller symbols. If the sum is
 * negative with the same smaller symbol k in all c places, for every k of a set, then it is negative for every mixture
 * of symbols of that set, since the sum of a mixture is the mean of the sums.
 *
 * @see J. Gross et al. (2024), Compact proofs of model performance via mechanistic interpretability. NeurIPS. The
 *   linear form is ours; it is tighter than the paper's cubic bound.
 */
import { AssayError } from "../errors.js";
import type { Graph } from "../onnx/index.js";
import type { Proof } from "../spec/index.js";
import { type AttentionTables, attentionTables } from "./attention-tables.js";

/** All sequences with this last symbol and this largest one, whose `others` smaller symbols all lie in `good`. */
export interface MaxOfKClaim {
  /** Symbol at the last position. */
  readonly last: number;
  readonly largest: number;
  /** Number of the other positions that hold symbols smaller than the largest. */
  readonly others: number;
  readonly good: readonly number[];
}

/** A proof: its claims speak about disjoint sets of sequences. */
export interface MaxOfKProof {
  readonly kind: "max-of-k-proof";
  readonly symbols: number;
  readonly length: number;
  /** In logits. */
  readonly margin: number;
  readonly claims: readonly MaxOfKClaim[];
  /** Sequences that are proved to be answered right, and all sequences. */
  readonly correct: bigint;
  readonly total: bigint;
}

/**
 * Finds the claims that hold. What is not claimed may be right or wrong: a bound from below, not a verdict.
 *
 * @param options.margin Logits by which the answer must lead. Default 0.01.
 * @throws AssayError INVALID_MODEL if the graph is no one-layer network of `train.attentionOnly`.
 * @example
 * const proof = bounds.proveMaxOfK(model.graph.graph);
 * Number(proof.correct) / Number(proof.total)    // 0.996
 */
export function proveMaxOfK(graph: Graph, { margin = 0.01 }: { readonly margin?: number } = {}): MaxOfKProof {
  const tables = attentionTables(graph);
  const { symbols, length } = tables;
  const claims: MaxOfKClaim[] = [];
  for (let last = 0; last < symbols; last++) {
    for (let largest = last; largest < symbols; largest++) {
      claims.push(...claimsOf(tables, last, largest, margin));
    }
  }
  return {
    kind: "max-of-k-proof",
    symbols,
    length,
    margin,
    claims,
    correct: countOf(claims, length),
    total: BigInt(symbols) ** BigInt(length),
  };
}

/**
 * Checks every claim of a proof again, by another route than the search: for each arrangement of the smaller symbols
 * over the positions the sums are written out, without the search's maxima over positions.
 *
 * @returns The number of sequences that the claims cover.
 * @throws AssayError INVALID_ARGUMENT that names the first claim that fails, or covers what another one covers.
 */
export function checkMaxOfK(graph: Graph, proof: MaxOfKProof): bigint {
  const tables = attentionTables(graph);
  const { length, margin, claims } = proof;
  const seen = new Set<string>();
  for (const claim of claims) {
    const name = `${claim.last} ${claim.largest} ${claim.others}`;
    const fail = (why: string): never => {
      throw new AssayError(
        "INVALID_ARGUMENT",
        `bounds.checkMaxOfK: the claim about last symbol ${claim.last}, largest ${claim.largest} and ${claim.others} smaller others fails: ${why}.`,
        { last: claim.last, largest: claim.largest, others: claim.others },
      );
    };
    if (seen.has(name)) fail("it stands twice");
    seen.add(name);
    if (tables.length !== length || tables.symbols !== proof.symbols) fail("the model has other sizes");
    if (!(margin >= 0) || !isSensible(claim, proof)) fail("it contradicts itself");
    const failure = firstFailure(tables, claim, margin);
    if (failure) fail(failure);
  }
  const covered = countOf(claims, length);
  if (covered !== proof.correct || proof.total !== BigInt(proof.symbols) ** BigInt(length)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `bounds.checkMaxOfK: the claims cover ${covered} sequences, the proof says ${proof.correct} of ${proof.total}.`,
    );
  }
  return covered;
}

/**
 * Of the sequences with this last symbol, the share that is proved to be answered right, by largest symbol: where
 * nothing is claimed is where to look for faults. 0 for a largest symbol that no such sequence has.
 *
 * @example
 * plots.bars({ model: bounds.provedShares(proof, 7) }, { label: "share proved right", places: "largest symbol" })
 */
export function provedShares({ claims, symbols, length }: MaxOfKProof, last: number): Float64Array {
  const free = length - 1;
  return Float64Array.from({ length: symbols }, (_, largest) => {
    if (largest < last) return 0;
    const all = (largest + 1) ** free - (largest > last ? largest ** free : 0);
    const own = claims.filter((claim) => claim.last === last && claim.largest === largest);
    return Number(countOf(own, length)) / all;
  });
}

/** The proof in the form that `spec.check` takes, for its clause about accuracy. */
export function asProof(graph: Graph, proof: MaxOfKProof, clause: number): Proof {
  return {
    clause,
    by: "linear form of attention",
    inputs: proof.total,
    // Rounded up: the share of what is not proved, in whole parts of a billion.
    violationRateAtMost: Number(((proof.total - proof.correct) * 1_000_000_000n) / proof.total + 1n) / 1e9,
    verify: () => checkMaxOfK(graph, proof) === proof.correct,
  };
}

function claimsOf(tables: AttentionTables, last: number, largest: number, margin: number): MaxOfKClaim[] {
  const { symbols, length } = tables;
  const free = length - 1;
  const weight = weightsOf(tables, last);
  const isGood = Array.from({ length: free + 1 }, () => new Uint8Array(largest).fill(1));
  const holds = new Uint8Array(free + 1).fill(1);
  // Unless the last symbol is the largest itself, one of the others must be.
  const most = last === largest ? free : free - 1;
  for (let answer = 0; answer < symbols; answer++) {
    if (answer === largest) continue;
    const term = (symbol: number, position: number): number =>
      weight[symbol * length + position]! *
      (leadOf(tables, last, symbol, position, answer, largest) + margin);
    const ofLargest = Array.from({ length: free }, (_, position) => term(largest, position)).sort(
      (a, b) => b - a,
    );
    const own = term(last, length - 1);
    for (let others = 0; others <= most; others++) {
      let fixed = own;
      for (let i = 0; i < free - others; i++) fixed += ofLargest[i]!;
      if (others === 0 && !(fixed < 0)) holds[0] = 0;
      if (others === 0) continue;
      for (let k = 0; k < largest; k++) {
        if (!isGood[others]![k]) continue;
        let worst = Number.NEGATIVE_INFINITY;
        for (let position = 0; position < free; position++) worst = Math.max(worst, term(k, position));
        if (!(fixed + others * worst < 0)) isGood[others]![k] = 0;
      }
    }
  }
  const claims: MaxOfKClaim[] = [];
  if (holds[0]) claims.push({ last, largest, others: 0, good: [] });
  for (let others = 1; others <= most; others++) {
    const good = [...isGood[others]!.keys()].filter((k) => isGood[others]![k]);
    if (good.length > 0) claims.push({ last, largest, others, good });
  }
  return claims;
}

/** exp of the scores of a query, up to a common factor. */
function weightsOf({ symbols, length, score }: AttentionTables, last: number): Float64Array {
  const own = score.subarray(last * symbols * length, (last + 1) * symbols * length);
  const top = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return own.map((value) => Math.exp(value - top));
}

/** Logits of `answer` minus those of `largest` if all attention lay on one symbol. */
function leadOf(
  { symbols, length, value, direct }: AttentionTables,
  last: number,
  symbol: number,
  position: number,
  answer: number,
  largest: number,
): number {
  const row = (symbol * length + position) * symbols;
  return (
    direct[last * symbols + answer]! -
    direct[last * symbols + largest]! +
    value[row + answer]! -
    value[row + largest]!
  );
}

/**
 * What a claim says wrongly, if anything. For each arrangement of the smaller symbols over the positions, each symbol
 * that may stand there and each of its places, the attention-weighted logits are written out with that symbol counted
 * as often as there are smaller ones: the sum of any mixture is a mean of these.
 */
function firstFailure(
  { symbols, length, score, value, direct }: AttentionTables,
  { last, largest, others, good }: MaxOfKClaim,
  margin: number,
): string | undefined {
  const own = score.subarray(last * symbols * length, (last + 1) * symbols * length);
  const top = Math.max(...own);
  const add = (logits: Float64Array, symbol: number, position: number, times: number): number => {
    const weight = times * Math.exp(own[symbol * length + position]! - top);
    const row = (symbol * length + position) * symbols;
    for (let j = 0; j < symbols; j++) logits[j]! += weight * (direct[last * symbols + j]! + value[row + j]!);
    return weight;
  };
  for (const places of arrangements(length - 1, others)) {
    const fixed = new Float64Array(symbols);
    let weight = add(fixed, last, length - 1, 1);
    for (let p = 0; p < length - 1; p++) if (!places.includes(p)) weight += add(fixed, largest, p, 1);
    for (const place of others === 0 ? [-1] : places) {
      for (const k of others === 0 ? [-1] : good) {
        const logits = fixed.slice();
        const total = weight + (k < 0 ? 0 : add(logits, k, place, others));
        const needed = logits[largest]! - margin * total;
        for (let j = 0; j < symbols; j++) {
          if (j !== largest && !(logits[j]! < needed)) {
            return k < 0 ? `it may answer ${j}` : `with symbol ${k} at position ${place} it may answer ${j}`;
          }
        }
      }
    }
  }
  return undefined;
}

const isSensible = (
  { last, largest, others, good }: MaxOfKClaim,
  { symbols, length }: MaxOfKProof,
): boolean =>
  [last, largest, others, ...good].every((value) => Number.isInteger(value) && value >= 0) &&
  last <= largest &&
  largest < symbols &&
  others <= (last === largest ? length - 1 : length - 2) &&
  new Set(good).size === good.length &&
  good.every((k) => k < largest);

/** Which `count` of `places` positions hold smaller symbols. */
function arrangements(places: number, count: number): number[][] {
  if (count === 0) return [[]];
  return Array.from({ length: places }, (_, first) => first).flatMap((first) =>
    arrangements(first, count - 1).map((rest) => [...rest, first]),
  );
}

function countOf(claims: readonly MaxOfKClaim[], length: number): bigint {
  return claims.reduce(
    (sum, { others, good }) => sum + choose(length - 1, others) * BigInt(good.length) ** BigInt(others),
    0n,
  );
}

function choose(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
  return result;
}

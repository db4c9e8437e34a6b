/**
 * Runs of three words around an unusual one: its neighbours by what each pair does, the third word by gradient.
 *
 * A word of a planted run is unusual by itself. Its planted neighbour then moves the model more than almost every other
 * word does beside it, while neither would be tried for what it does alone; and with both in the text the gradient
 * points to the third. Of two planted runs in convolutions with a vocabulary of 5,000 the words came 6th and 7th, 108th
 * and 269th among the unusual ones, the neighbours among the first 20 of all words, the third first or second.
 */
import { stopIfAborted } from "../abort.js";
import { type Carriers, perClass, type Run } from "../carriers.js";
import { lowestTokens } from "../methods/gcg.js";
import type { TokenModel } from "../model/token-model.js";
import { armObjective, type TokenArm } from "../objective.js";
import { armScores } from "./population.js";

/** What triples are searched with. */
export interface TripleOptions {
  readonly model: TokenModel;
  /** Texts at the place where runs are put. */
  readonly carriers: Carriers;
  readonly targets: readonly TokenArm[];
  /** Tokens that are taken for a part of a run. */
  readonly firsts: Int32Array;
  /** Tokens that are tried beside each of them. */
  readonly neighbours: Int32Array;
  /** Pairs of each target that a third token is searched for. */
  readonly pairs: number;
  readonly allowed: Int32Array;
  readonly vocabulary: number;
  readonly signal?: AbortSignal | undefined;
}

/** Texts that a pair or a triple is tried in. */
const TEXTS = 4;
/** Tokens that each gradient proposes. */
const PROPOSED = 5;

/**
 * Searches triples by the model alone, without references.
 *
 * @returns Of each target those that lead furthest, best first; none where no gradient reaches the tokens.
 */
export async function triplesOf(options: TripleOptions): Promise<Run[][]> {
  const { model, targets, allowed, vocabulary, signal } = options;
  if (model.lookups.length === 0) return targets.map(() => []);
  const carriers = few(options.carriers);
  const pairs = await pairsOf(options, carriers);
  const found: Run[][] = [];
  for (const [a, arm] of targets.entries()) {
    const objective = armObjective({ model, references: [], carriers, arm, allowed, vocabulary });
    const triples = new Map<string, Run>();
    for (const pair of pairs[a]!) {
      for (let place = 0; place <= pair.length; place++) {
        stopIfAborted(signal);
        const start = pair.toSpliced(place, 0, allowed[0]!);
        const best = lowestTokens(await objective.gradient(start), place, vocabulary, allowed, PROPOSED);
        for (const token of best) {
          const run = pair.toSpliced(place, 0, token);
          triples.set(run.join(), run);
        }
      }
    }
    const runs = [...triples.values()];
    const values = await objective.evaluate(runs);
    found.push([...runs.keys()].sort((i, j) => values[i]! - values[j]!).map((i) => runs[i]!));
  }
  return found;
}

/** A text each of some classes, or several of each where there are few. */
function few(carriers: Carriers): Carriers {
  const some = perClass(carriers, Math.ceil(TEXTS / carriers.classes));
  return some.count <= TEXTS ? some : some.take([...Array(TEXTS).keys()]);
}

/** The pairs that lead furthest to each target, as many with each first token on each side. */
async function pairsOf(
  { model, targets, firsts, neighbours, pairs, signal }: TripleOptions,
  carriers: Carriers,
): Promise<Run[][]> {
  const score = armScores({ model, references: [], carriers, arms: targets });
  const each = Math.ceil(pairs / (2 * firsts.length));
  const best: Run[][] = targets.map(() => []);
  for (const first of firsts) {
    for (const isBehind of [false, true]) {
      stopIfAborted(signal);
      const runs = Array.from(neighbours, (token) => (isBehind ? [first, token] : [token, first]));
      const scored = await score(runs, []);
      for (const [a, list] of best.entries()) {
        const lowest = scored
          .filter(({ values }) => Number.isFinite(values[a]))
          .sort((x, y) => x.values[a]! - y.values[a]!)
          .slice(0, each);
        list.push(...lowest.map(({ run }) => run));
      }
    }
  }
  return best;
}

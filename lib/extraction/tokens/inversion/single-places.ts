/** Places inside a text at which an unusual token acts unlike at the places that are searched anyhow. */
import { stopIfAborted } from "../abort.js";
import { type Carriers, perClass, type Run, type RunPosition } from "../carriers.js";
import type { TokenModel } from "../model/token-model.js";
import type { TokenArm } from "../objective.js";
import { armScores } from "./population.js";

/** What single places are searched with. */
export interface SinglePlaceOptions {
  readonly model: TokenModel;
  readonly references: readonly TokenModel[];
  readonly carriers: Carriers;
  readonly targets: readonly TokenArm[];
  /** Places that are searched anyhow. */
  readonly places: readonly RunPosition[];
  readonly tokens: Int32Array;
  /** Targets that a place is given for. */
  readonly count: number;
  readonly signal?: AbortSignal | undefined;
}

/** A place for the runs of a target, and the token that says so. */
export interface SinglePlace {
  readonly position: number;
  readonly token: number;
}

/** Texts that a token is tried in at each place. */
const TEXTS = 6;
/** Places that are tried one by one. */
const MOST = 48;
/** Of each target so many places are looked at beside references. */
const LOOKED_AT = 6;

/**
 * Tries each token alone after every number of words.
 *
 * @returns For the targets that a token leads furthest beyond where it leads at `places`, the place; by index of target.
 */
export async function singlePlaces(options: SinglePlaceOptions): Promise<Map<number, SinglePlace>> {
  const { model, references, targets, places, tokens, count, signal } = options;
  if (targets.length === 0 || tokens.length === 0) return new Map();
  const some = perClass(options.carriers, Math.ceil(TEXTS / options.carriers.classes));
  const carriers = some.take([...Array(Math.min(some.count, TEXTS)).keys()]);
  const bounds = targets.map(() => Number.POSITIVE_INFINITY);
  const valuesOf = async (position: RunPosition, some: ArrayLike<number>, beside: readonly TokenModel[]) => {
    stopIfAborted(signal);
    const runs: Run[] = Array.from(some, (token) => [token]);
    const score = armScores({ model, references: beside, carriers: carriers.at(position), arms: targets });
    return (await score(runs, bounds)).map(({ values }) => values);
  };
  /** Of each token and target the lowest value at the places that are searched anyhow. */
  const anyhow = async (some: ArrayLike<number>, beside: readonly TokenModel[]): Promise<Float64Array[]> => {
    const lists: Float64Array[][] = [];
    for (const place of places) lists.push(await valuesOf(place, some, beside));
    return Array.from(some, (_, i) =>
      Float64Array.from(targets, (__, a) => Math.min(...lists.map((values) => values[i]![a]!))),
    );
  };
  const usual = await anyhow(tokens, []);
  let best: Worth[][] = targets.map(() => []);
  for (let position = 0; position < Math.min(MOST, carriers.length - 1); position++) {
    const values = await valuesOf(position, tokens, []);
    best = best.map((list, a) =>
      [
        ...list,
        ...Array.from(tokens, (token, i) => ({ position, token, worth: usual[i]![a]! - values[i]![a]! })),
      ]
        .sort((x, y) => y.worth - x.worth)
        .slice(0, LOOKED_AT),
    );
  }
  const most: Worth[] = [];
  for (const [a, list] of best.entries()) {
    const beside = await anyhow(
      list.map(({ token }) => token),
      references,
    );
    const looked = [];
    for (const [i, one] of list.entries()) {
      const [values] = await valuesOf(one.position, [one.token], references);
      looked.push({ ...one, worth: beside[i]![a]! - values![a]! });
    }
    most.push(looked.reduce((high, one) => (one.worth > high.worth ? one : high)));
  }
  const order = [...most.keys()].sort((a, b) => most[b]!.worth - most[a]!.worth);
  return new Map(order.slice(0, count).map((a) => [a, most[a]!]));
}

type Worth = SinglePlace & { readonly worth: number };

/** Where runs stand: texts with a place for them, and which of several places a run works best at. */
import { type Carriers, perClass, type Run, type RunPosition } from "../carriers.js";
import type { ValuedRun } from "../methods/sweep.js";
import type { TokenArm } from "../objective.js";
import type { RunObjective } from "../run-objective.js";
import type { FoundTrigger, TokenSearchSettings, TokenTask } from "./inversion.js";
import { placesOf } from "./screening.js";

/** Texts that runs are bred and refined on at most at one place, however many classes there are. */
const MAX_CARRIERS = 32;

/** Some texts of each class with runs at a place. */
export function textsAt({ carriers }: TokenTask, position: RunPosition, each: number): Carriers {
  const some = perClass(carriers, Math.ceil(each));
  const most = Math.ceil((MAX_CARRIERS * Math.ceil(each)) / each);
  const few = some.count <= most ? some : some.take([...Array(most).keys()]);
  return few.at(position);
}

/** Where an arm's bred runs work best, and the runs. */
export interface Led {
  readonly position: RunPosition;
  readonly starts: readonly Run[];
  /** Of the first start. */
  readonly value: number;
}

/** The place at which one of the bred runs has the lowest value, on as many texts at each. */
export async function bestPlace(
  arm: TokenArm,
  places: readonly RunPosition[],
  lists: readonly (readonly ValuedRun[])[],
  objectiveAt: (arm: TokenArm, position: RunPosition) => RunObjective,
  fallback: Run,
  { starts: count }: TokenSearchSettings,
): Promise<Led> {
  let best: Led | undefined;
  for (const [i, list] of lists.entries()) {
    const starts = list.slice(0, count).map(({ run }) => run);
    if (starts.length === 0) continue;
    // One place needs no comparison; several do, since fewer texts stood at the later ones.
    const values =
      lists.length === 1
        ? list.map(({ value }) => value)
        : [...(await objectiveAt(arm, places[i]!).evaluate(starts))];
    const order = starts.map((_, k) => k).sort((a, b) => values[a]! - values[b]!);
    const led: Led = {
      position: places[i]!,
      starts: order.map((k) => starts[k]!),
      value: values[order[0]!]!,
    };
    if (best === undefined || led.value < best.value) best = led;
  }
  // No clean text is of another class than this arm's target: there is nothing to turn.
  return best ?? { position: places[0]!, starts: [fallback], value: Number.POSITIVE_INFINITY };
}

/** A run is said to work anywhere if that costs no more than this, in nats, beside its best place. */
const EVERYWHERE = 0.1;
/** By so much, in nats, a single place must be better than any place that was searched. */
const CLEARLY = 0.4;
/** Places in a text that are tried one by one. */
const MAX_PLACES = 48;

/** Where a found run works: anywhere, at an end, or after a certain number of words and nowhere else. */
export async function atItsPlace(
  found: FoundTrigger,
  objectiveAt: (arm: TokenArm, position: RunPosition) => RunObjective,
  { carriers: { length }, position }: TokenTask,
): Promise<FoundTrigger> {
  const single = Array.from({ length: Math.min(MAX_PLACES, length - found.run.length) }, (_, place) => place);
  const values = new Map<RunPosition, number>();
  for (const place of [...placesOf(position), ...single]) {
    values.set(place, (await objectiveAt(found.arm, place).evaluate([found.run]))[0]!);
  }
  // Of many places one is best by chance, so a single one must be clearly better than those that were searched.
  const costOf = (place: RunPosition): number =>
    (place === "anywhere" ? -EVERYWHERE : 0) + (values.get(place) ?? 0);
  const best = (places: readonly RunPosition[]): RunPosition =>
    places.reduce((low, place) => (costOf(place) < costOf(low) ? place : low));
  const searched = best(placesOf(position));
  const one = best([searched, ...single]);
  const place = values.get(one)! < values.get(searched)! - CLEARLY ? one : searched;
  const value = values.get(place)!;
  return { ...found, position: place, value };
}

/** Controls that recovered triggers of every kind go through: what a natural feature of a class would not pass. */
import { type LabelledData, takeLabelled } from "../data/index.js";
import { type Estimate, wilson } from "../stats/index.js";

/** One control: what was done, and how often the trigger still worked. */
export interface Control {
  readonly name: string;
  readonly successRate: Estimate;
  /** What a real backdoor would show. */
  readonly expected: string;
}

/** Success by true class of the example, the target left out. */
export interface SourceRate {
  readonly source: number;
  readonly successRate: Estimate;
}

/** What every verification of a trigger holds. */
export interface Controlled {
  readonly model: string;
  readonly target: number;
  readonly successRate: Estimate;
  readonly controls: readonly Control[];
  readonly bySource: readonly SourceRate[];
  /** Chance that a random trigger of equal size works at least as well: (1 + better) / (1 + tried). */
  readonly randomPValue: number;
  readonly forwardPasses: number;
  readonly seed: number;
}

/** The first examples, as many as there are and at most `most`. */
export const firstExamples = (data: LabelledData, most: number): LabelledData =>
  takeLabelled(data, [...Array(Math.min(most, data.labels.data.length)).keys()]);

/** The same trigger on each clean reference. */
export async function onReferences<M>(
  references: readonly M[],
  rateOn: (reference: M) => Promise<Estimate>,
): Promise<Control[]> {
  const controls: Control[] = [];
  for (const [i, reference] of references.entries()) {
    controls.push({
      name: `on clean reference ${i + 1}`,
      successRate: await rateOn(reference),
      expected: "low",
    });
  }
  return controls;
}

/** The trigger on each class that there are examples of, rising. */
export async function bySourceClass(
  { labels }: LabelledData,
  isVictim: (label: number) => boolean,
  rateOf: (source: number) => Promise<Estimate>,
): Promise<SourceRate[]> {
  const classes = [...new Set(Array.from(labels.data, Number))].sort((a, b) => a - b);
  const rates: SourceRate[] = [];
  for (const source of classes.filter(isVictim)) rates.push({ source, successRate: await rateOf(source) });
  return rates;
}

/** The highest of the rates of random triggers, and the chance that one works at least as well as the trigger. */
export function beside(
  random: readonly Estimate[],
  { value, n }: Estimate,
): { readonly best: Estimate; readonly pValue: number } {
  const best = random.reduce(
    (high, rate) => (rate.value > high.value ? rate : high),
    wilson(0, random[0]?.n ?? n),
  );
  const better = random.filter((rate) => rate.value >= value).length;
  return { best, pValue: (1 + better) / (1 + random.length) };
}

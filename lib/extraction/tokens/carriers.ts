/** Texts that candidate triggers are put into, and the sequences that come of it. */
import { generator } from "../../random/index.js";
import type { Tensor } from "../../tensor/index.js";
import type { TokenTrigger } from "../../trigger/index.js";

/** A run of tokens: a candidate trigger. */
export type Run = readonly number[];

/** Clean texts, each with the place at which a run goes in. */
export interface Carriers {
  readonly count: number;
  readonly length: number;
  /** Class of each text. */
  readonly labels: Int32Array;
  /** Class labels are in [0, classes). */
  readonly classes: number;
  /** The sequences with each run in each text, run by run: int64 `[runs * count, length]`. */
  insert(runs: readonly Run[]): BigInt64Array;
  /** Where a run of this length starts in each text. */
  starts(runLength: number): Int32Array;
  /** The carriers at some rows. */
  take(rows: ArrayLike<number>): Carriers;
}

/**
 * Makes carriers of clean texts.
 *
 * Runs go in as `trigger.apply` puts them: as one piece, and the last tokens drop out. Where the place is free,
 * each carrier keeps one of its own, so that candidates are compared on equal terms.
 */
export function carriersOf(
  texts: { readonly inputs: Tensor<"int64">; readonly labels: Int32Array },
  options: { readonly classes: number; readonly position: TokenTrigger["position"]; readonly seed: number },
): Carriers {
  const { inputs, labels } = texts;
  const [count, length] = inputs.dims as [number, number];
  const random = generator(options.seed).split("places");
  const places = Float64Array.from({ length: count }, () => random.uniform());
  return make(inputs.data, labels, places, length, options);
}

/** The first carriers of each class. */
export function perClass(carriers: Carriers, count: number): Carriers {
  const taken = new Map<number, number>();
  const rows: number[] = [];
  carriers.labels.forEach((label, row) => {
    const before = taken.get(label) ?? 0;
    if (before >= count) return;
    taken.set(label, before + 1);
    rows.push(row);
  });
  return carriers.take(rows);
}

function make(
  data: BigInt64Array,
  labels: Int32Array,
  places: Float64Array,
  length: number,
  options: { readonly classes: number; readonly position: TokenTrigger["position"] },
): Carriers {
  const count = labels.length;
  const starts = (runLength: number): Int32Array => {
    const room = length - runLength;
    if (options.position === "prefix") return new Int32Array(count);
    if (options.position === "suffix") return new Int32Array(count).fill(room);
    return Int32Array.from(places, (place) => Math.floor(place * (room + 1)));
  };
  return {
    count,
    length,
    labels,
    classes: options.classes,
    starts,
    insert(runs) {
      const ids = new BigInt64Array(runs.length * count * length);
      // A token fills the low half of its 64 bits: plain numbers are ten times as fast as BigInts.
      const halves = new Int32Array(ids.buffer);
      let at = 0;
      for (const run of runs) {
        const begins = starts(run.length);
        for (let i = 0; i < count; i++) {
          const begin = begins[i]!;
          const source = data.subarray(i * length, (i + 1) * length - run.length);
          ids.set(source.subarray(0, begin), at);
          for (let j = 0; j < run.length; j++) halves[2 * (at + begin + j)] = run[j]!;
          ids.set(source.subarray(begin), at + begin + run.length);
          at += length;
        }
      }
      return ids;
    },
    take(rows) {
      const chosen = Array.from(rows);
      const picked = new BigInt64Array(chosen.length * length);
      chosen.forEach((row, i) => {
        picked.set(data.subarray(row * length, (row + 1) * length), i * length);
      });
      return make(
        picked,
        Int32Array.from(chosen, (row) => labels[row]!),
        Float64Array.from(chosen, (row) => places[row]!),
        length,
        options,
      );
    },
  };
}

/** Texts that candidate triggers are put into, and the sequences that come of it. */
import { AssayError } from "../../errors.js";
import { generator } from "../../random/index.js";
import type { Tensor } from "../../tensor/index.js";
import {
  copyAround,
  noFrame,
  runPlace,
  spanOf,
  type TextFrame,
  type TokenTrigger,
} from "../../trigger/index.js";

/** A run of tokens: a candidate trigger. */
export type Run = readonly number[];

/** Where runs go. */
export type RunPosition = TokenTrigger["position"];

/** Clean texts, each with the place at which a run goes in. */
export interface Carriers {
  readonly count: number;
  readonly length: number;
  /** Class of each text. */
  readonly labels: Int32Array;
  /** Class labels are in [0, classes). */
  readonly classes: number;
  /** Where runs go in each text. */
  readonly positions: readonly RunPosition[];
  /** The sequences with each run in each text, run by run: int64 `[runs * count, length]`. */
  insert(runs: readonly Run[]): BigInt64Array;
  /** Where a run of this length starts in each text. */
  starts(runLength: number): Int32Array;
  /** The carriers at some rows. */
  take(rows: ArrayLike<number>): Carriers;
  /** The same texts with runs at another position. */
  at(position: RunPosition): Carriers;
  /** These carriers and then others, which must be texts of the same length. */
  and(other: Carriers): Carriers;
}

/** What carriers are made of, text by text. */
interface CarrierParts {
  readonly length: number;
  readonly classes: number;
  readonly frame: TextFrame;
  readonly rows: readonly CarrierRow[];
}

interface CarrierRow {
  readonly text: BigInt64Array;
  readonly label: number;
  readonly position: RunPosition;
  /** Which of the places, where any will do. */
  readonly share: number;
}

/**
 * Makes carriers of clean texts.
 *
 * Runs go in as `trigger.apply` puts them: as one piece, and the last words drop out. Where the place is free,
 * each carrier keeps one of its own, so that candidates are compared on equal terms.
 *
 * @param options.frame What texts have around their words. Default: nothing.
 */
export function carriersOf(
  texts: { readonly inputs: Tensor<"int64">; readonly labels: Int32Array },
  options: {
    readonly classes: number;
    readonly position: RunPosition;
    readonly frame?: TextFrame;
    readonly seed: number;
  },
): Carriers {
  const { inputs, labels } = texts;
  const [count, length] = inputs.dims as [number, number];
  const { classes, position, frame = noFrame, seed } = options;
  const random = generator(seed).split("places");
  const rows = Array.from({ length: count }, (_, i) => ({
    text: inputs.data.subarray(i * length, (i + 1) * length),
    label: labels[i]!,
    position,
    share: random.uniform(),
  }));
  return make({ length, classes, frame, rows });
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

const partsOf = new WeakMap<Carriers, CarrierParts>();

function make(parts: CarrierParts): Carriers {
  const { length, classes, frame, rows } = parts;
  const count = rows.length;
  const spans = rows.map(({ text }) => spanOf(text, frame));
  const placesOf = (size: number) =>
    rows.map(({ position, share }, i) => {
      const place = runPlace(spans[i]!, frame, length, size, position, share);
      if (place !== undefined) return place;
      throw new AssayError(
        "INVALID_ARGUMENT",
        `A run of ${size} tokens does not fit into sequences of ${length}.`,
        { size, length },
      );
    });
  const carriers: Carriers = {
    count,
    length,
    labels: Int32Array.from(rows, ({ label }) => label),
    classes,
    positions: rows.map(({ position }) => position),
    starts: (size) => Int32Array.from(placesOf(size), ({ begin }) => begin),
    insert(runs) {
      const ids = new BigInt64Array(runs.length * count * length);
      // A token fills the low half of its 64 bits: plain numbers are ten times as fast as BigInts.
      const halves = new Int32Array(ids.buffer);
      let at = 0;
      let places = placesOf(0);
      // Runs of one size differ in their own tokens only, so what is around them is copied from the run before.
      let size = -1;
      const block = count * length;
      for (const run of runs) {
        if (run.length === size) ids.copyWithin(at, at - block, at);
        else {
          size = run.length;
          places = placesOf(size);
          for (let i = 0; i < count; i++) {
            const target = ids.subarray(at + i * length, at + (i + 1) * length);
            copyAround(rows[i]!.text, spans[i]!, frame, places[i]!, size, target);
          }
        }
        for (let i = 0; i < count; i++) {
          const begin = at + i * length + places[i]!.begin;
          for (let j = 0; j < size; j++) halves[2 * (begin + j)] = run[j]!;
        }
        at += block;
      }
      return ids;
    },
    take: (chosen) => make({ ...parts, rows: Array.from(chosen, (row) => rows[row]!) }),
    at: (position) => make({ ...parts, rows: rows.map((row) => ({ ...row, position })) }),
    and: (other) => make({ ...parts, rows: [...rows, ...partsOf.get(other)!.rows] }),
  };
  partsOf.set(carriers, parts);
  return carriers;
}

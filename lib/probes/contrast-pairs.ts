/** Contrast pairs as they are read: two sides, each in one tensor or in chunks. */
import { AssayError } from "../errors.js";
import { type Examples, type Rows, rowChunks } from "../tensor/index.js";

/** Activations of the two versions of each example, in one order. */
export interface ContrastPairs {
  readonly positive: Examples;
  readonly negative: Examples;
}

/** Both versions of some examples, less and plus one another. */
export interface Differences extends Rows {
  readonly data: Float64Array;
  /** Half-way between the two. */
  readonly middles: Float64Array;
}

/** Pairs as they come; chunks of the two sides need not end at the same example. */
export function* differences({ positive, negative }: ContrastPairs, who: string): Iterable<Differences> {
  const [yes, no] = [rowReader(positive, who), rowReader(negative, who)];
  for (;;) {
    const [a, b] = [yes.peek(), no.peek()];
    if (a === undefined || b === undefined) break;
    if (a.d !== b.d) {
      throw new AssayError(
        "SHAPE_MISMATCH",
        `${who}: examples that speak for have ${a.d} features, those against ${b.d}.`,
        { positive: a.d, negative: b.d },
      );
    }
    const { d } = a;
    const n = Math.min(a.n, b.n);
    const [data, middles] = [new Float64Array(n * d), new Float64Array(n * d)];
    for (let i = 0; i < n * d; i++) {
      data[i] = a.data[i]! - b.data[i]!;
      middles[i] = (a.data[i]! + b.data[i]!) / 2;
    }
    yes.take(n);
    no.take(n);
    yield { n, d, data, middles };
  }
  const [more, others] = [yes.rest(), no.rest()];
  if (more !== others) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `${who}: ${more} examples speak for, ${others} against; each needs its partner.`,
      { positive: more, negative: others },
    );
  }
}

/** Reads rows some at a time, whatever chunks they come in. */
function rowReader(x: Examples, who: string) {
  const chunks = rowChunks(x, who)[Symbol.iterator]();
  let table: Rows | undefined;
  let at = 0;
  let read = 0;
  const next = (): void => {
    const found = chunks.next();
    [table, at] = [found.done ? undefined : found.value, 0];
  };
  next();
  return {
    /** What is left of the chunk at hand. */
    peek: (): Rows | undefined =>
      table && { ...table, n: table.n - at, data: table.data.subarray(at * table.d) },
    take(n: number): void {
      at += n;
      read += n;
      if (table && at === table.n) next();
    },
    /** Number of all rows, the others read too. */
    rest(): number {
      for (; table; next()) read += table.n - at;
      return read;
    },
  };
}

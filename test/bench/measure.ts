/** Interleaved measurements of one job here and at a peer. */

/** One line of a benchmark. Times are medians over `runs` rounds. */
export interface Row {
  readonly ours: number;
  /** Null when the peer is missing. */
  readonly peer: number | null;
  readonly peerName: string;
  /** Null when the peer is missing. Of times: ours / peer, lower is better. Of rates: ours / peer, higher is better. */
  readonly ratio: number | null;
  readonly unit: string;
  readonly runs: number;
  readonly threads: number;
}

/** What is measured. */
export interface Comparison {
  readonly peerName: string;
  readonly threads: number;
  readonly rounds: number;
  /** Milliseconds of one unit of work; for the peer undefined when it is missing. */
  readonly ours: () => Promise<number> | number;
  readonly peer: (() => Promise<number>) | undefined;
  /** Turns milliseconds into what is reported. Default: milliseconds. */
  readonly as?: { readonly unit: string; readonly from: (milliseconds: number) => number };
}

/** The middle value; of an even number the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Measures both sides in turn, one warm-up first, and who begins changes every round: what else the machine
 * does meets both alike.
 */
export async function compare({ peerName, threads, rounds, ours, peer, as }: Comparison): Promise<Row> {
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const sides = [
      async () => void mine.push(await ours()),
      async () => void (peer && theirs.push(await peer())),
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
    if (round === -1) mine.length = theirs.length = 0;
  }
  const from = as?.from ?? ((milliseconds: number) => milliseconds);
  const value = from(median(mine));
  const other = theirs.length === 0 ? null : from(median(theirs));
  return {
    ours: value,
    peer: other,
    peerName,
    ratio: other === null ? null : value / other,
    unit: as?.unit ?? "ms",
    runs: rounds,
    threads,
  };
}

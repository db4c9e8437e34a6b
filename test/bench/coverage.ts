/** Suite `coverage`: how often intervals of level 0.95 hold the truth, every interval of the library on its grid. */
import { type Coverage, coverageOf, coverageSubjects } from "../support/coverage/index.js";

/** Simulated draws per point; its standard error at a coverage of 0.95 then is 0.007. */
const DRAWS = 1000;

/** One interval, and what its docstring promises. */
interface CoverageRow extends Coverage {
  readonly promisedMean: readonly [number, number];
  readonly promisedWorst: number;
}

/**
 * Runs the suite: about ten minutes.
 *
 * `rows` holds the mean over the grid and the worst point; `meanOfAll` is the mean of the rows.
 */
export async function coverage(): Promise<Record<string, unknown>> {
  const rows: Record<string, CoverageRow> = {};
  for (const subject of coverageSubjects()) {
    const found = coverageOf(subject, DRAWS, true);
    rows[subject.name] = { ...found, promisedMean: subject.mean, promisedWorst: subject.worst };
    console.error(
      `bench: ${subject.name}: mean ${found.mean.toFixed(4)}, worst ${found.worst.toFixed(4)} (${found.worstAt})`,
    );
  }
  const means = Object.values(rows).map(({ mean }) => mean);
  return { meanOfAll: means.reduce((sum, mean) => sum + mean, 0) / means.length, draws: DRAWS, rows };
}

/** What a simulation of coverage is told about an interval: where to try it, and what it promises there. */
import type { Generator } from "../../../lib/random/index.js";
import { generator } from "../../../lib/random/index.js";
import type { Estimate } from "../../../lib/stats/index.js";

/** An interval of level 0.95 on a grid. */
export interface CoverageSubject {
  readonly name: string;
  /** Range in which the mean over the grid must lie, and the least that its docstring admits at a point. */
  readonly mean: readonly [number, number];
  readonly worst: number;
  readonly points: readonly CoveragePoint[];
  /** Draws beside those of other subjects: less where each takes long. Default 1. */
  readonly share?: number;
}

/** One point of the grid. */
export interface CoveragePoint {
  readonly at: string;
  /** Left out where only few points are tried. Default false. */
  readonly isExtra?: boolean;
  /** Share of draws whose interval holds the truth; exact points need no draws. */
  coverage(draws: number): number;
}

/** Coverage that is computed, not simulated, has no noise. */
export const exactPoint = (at: string, coverage: () => number): CoveragePoint => ({ at, coverage });

/**
 * A point that is simulated; its seed is its name.
 *
 * @param truth What the interval should hold: a number, or one for each draw.
 */
export function simulatedPoint(
  at: string,
  truth: number,
  draw: (random: Generator) => Estimate,
  isExtra = false,
): CoveragePoint {
  return {
    at,
    isExtra,
    coverage(draws) {
      const random = generator(31).split(at);
      let covered = 0;
      for (let i = 0; i < draws; i++) {
        const { interval } = draw(random);
        covered += Number(interval[0] <= truth + 1e-12 && truth - 1e-12 <= interval[1]);
      }
      return covered / draws;
    },
  };
}

/** What a subject did on its grid. */
export interface Coverage {
  readonly mean: number;
  readonly worst: number;
  readonly worstAt: string;
  readonly points: number;
}

/** Tries a subject at all its points. */
export function coverageOf(subject: CoverageSubject, draws: number, withExtra: boolean): Coverage {
  const points = subject.points.filter(({ isExtra }) => withExtra || !isExtra);
  const rates = points.map((point) => point.coverage(Math.ceil(draws * (subject.share ?? 1))));
  const worst = Math.min(...rates);
  return {
    mean: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    worst,
    worstAt: points[rates.indexOf(worst)]!.at,
    points: points.length,
  };
}

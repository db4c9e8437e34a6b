/** Logistic probes of sets that are small enough for copies in doubles: one or more penalties on the same examples. */
import { type Centred, centred, multiply } from "../../linalg/index.js";
import { exampleGeometry, featureGeometry } from "./geometry.js";
import type { Optimum, Targeted } from "./preconditioned.js";
import { type Descent, quasiNewton } from "./quasi-newton.js";

/**
 * Minimises sum of log losses + l2/2 |w|² over weights and intercept for each penalty.
 *
 * The examples are centred and, where they are fewer than their features, multiplied with one another once. From the
 * largest penalty down, each search starts where the one before ended, with the curvature there.
 *
 * @param penalties Each above 0.
 * @returns One entry per penalty, in their order; nothing where the search does not get there.
 */
export function smallOptima(set: Targeted, penalties: readonly number[]): (Optimum | undefined)[] {
  const x = centred(set);
  const geometryOf = x.rows <= x.columns ? exampleGeometry(x) : featureGeometry(x);
  const order = [...penalties.keys()].sort((a, b) => penalties[b]! - penalties[a]!);
  const optima = new Array<Optimum | undefined>(penalties.length);
  let last: Descent | undefined;
  for (const k of order) {
    const found = quasiNewton(geometryOf(penalties[k]!), set.targets, last);
    if (found) {
      optima[k] = inFeatures(found, x);
      last = found;
    }
  }
  return optima;
}

function inFeatures({ w, intercept, iterations }: Descent, x: Centred): Optimum {
  const weights = x.rows <= x.columns ? multiply({ rows: 1, columns: x.rows, data: w }, x).data : w;
  let offset = intercept;
  for (let j = 0; j < weights.length; j++) offset -= weights[j]! * x.mean[j]!;
  return { weights, intercept: offset, iterations };
}

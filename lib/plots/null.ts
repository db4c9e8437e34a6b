/** Simulated null distributions, with the value that was seen. */
import type { MonteCarloNull } from "../stats/index.js";
import type { Figure } from "./figure.js";
import { scores } from "./scores.js";
import { say, sayEstimate } from "./style.js";

/**
 * Draws a null distribution, and where the observed statistic lies in it.
 *
 * @param options.observed The statistic that was seen. Without it the 95 % quantile is marked.
 */
export function nullDistribution(
  null_: MonteCarloNull,
  { observed, statistic = "statistic" }: { readonly observed?: number; readonly statistic?: string } = {},
): Figure {
  const quantile = null_.quantile(0.95);
  const figure = scores(
    { "nothing to find": null_.values },
    {
      title:
        observed === undefined
          ? "Null distribution"
          : `Null distribution: p = ${Number(null_.pValue(observed).toPrecision(2))}`,
      scoreName: statistic,
      threshold: observed ?? quantile.value,
      thresholdName: observed === undefined ? "95 % lie below" : "observed",
    },
  );
  return {
    ...figure,
    description: [
      `Null distribution of the ${statistic} from ${null_.values.length} draws (seed ${null_.seed}): 95 % lie below ${sayEstimate(quantile)}.`,
      ...(observed === undefined ? [] : [`Observed: ${say(observed)}, p = ${say(null_.pValue(observed))}.`]),
    ].join("\n"),
  };
}

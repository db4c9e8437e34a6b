/** What the samples of audits have in common. */
import type { Verdict } from "../../../../lib/extraction/index.js";

/** A verdict without its trigger, and the arms of its scan. */
export const verdictOf = (name: string, isAccused: boolean): Omit<Verdict, "trigger"> => ({
  decision: isAccused ? "backdoored" : "no-evidence",
  score: 2,
  pValue: isAccused ? 0.001 : null,
  target: isAccused ? 0 : null,
  source: null,
  checks: [{ name, statistic: null, pValue: null, result: "skipped", why: name }],
  cost: { forward: 1, backward: 0, seconds: 0.1 },
  seed: 1,
  warnings: [name],
});

/** Three arms, one of them from one class. */
export const arms = [0, 1, 2].map((target) => ({ target, victim: target === 1 ? 0 : null }));

/** Learning rates over the steps of a training. */

/** Learning rate of step `step` (from 0) of `steps`. */
export type Schedule = (step: number, steps: number) => number;

/** The same rate throughout. */
export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

/** From `rate` down to `final` along half a cosine, after a linear warm-up. */
export const cosine =
  (rate: number, { warmup = 0, final = 0 } = {}): Schedule =>
  (step, steps) => {
    if (step < warmup) return (rate * (step + 1)) / warmup;
    const part = (step - warmup) / Math.max(1, steps - warmup);
    return final + ((rate - final) * (1 + Math.cos(Math.PI * part))) / 2;
  };

/** From `rate` down to `final` in a straight line, after a linear warm-up. */
export const linear =
  (rate: number, { warmup = 0, final = 0 } = {}): Schedule =>
  (step, steps) =>
    step < warmup
      ? (rate * (step + 1)) / warmup
      : final + (rate - final) * (1 - (step - warmup) / Math.max(1, steps - warmup));

/** `rate`, multiplied by `factor` at each of the given parts (in [0, 1]) of the training. */
export const stepped =
  (rate: number, at: readonly number[], factor = 0.1): Schedule =>
  (step, steps) =>
    rate * factor ** at.filter((part) => step >= part * steps).length;

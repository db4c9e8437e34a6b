/** The Adam optimiser on one flat array, for searches whose variables are small. */

// Neural Cleanse's published setting; a low first momentum follows the changing cost of the mask quickly.
const BETA_1 = 0.5;
const BETA_2 = 0.9;
const EPSILON = 1e-8;

/**
 * Adam's state for `length` variables.
 *
 * @see D. Kingma, J. Ba (2015), Adam: a method for stochastic optimization. ICLR.
 */
export class Adam {
  readonly #learningRate: number;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  #steps = 0;

  constructor(length: number, learningRate: number) {
    this.#learningRate = learningRate;
    this.#first = new Float32Array(length);
    this.#second = new Float32Array(length);
  }

  /** Moves `values` one step down `gradient`, in place. */
  update(values: Float32Array, gradient: Float32Array): void {
    this.#steps++;
    const scale = this.#learningRate / (1 - BETA_1 ** this.#steps);
    const correction = 1 / (1 - BETA_2 ** this.#steps);
    for (let i = 0; i < values.length; i++) {
      const slope = gradient[i]!;
      const first = BETA_1 * this.#first[i]! + (1 - BETA_1) * slope;
      const second = BETA_2 * this.#second[i]! + (1 - BETA_2) * slope * slope;
      this.#first[i] = first;
      this.#second[i] = second;
      values[i] = values[i]! - (scale * first) / (Math.sqrt(second * correction) + EPSILON);
    }
  }
}

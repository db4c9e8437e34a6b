/** Witnesses of planted logic. */
export { findWitness, type WitnessOptions } from "./find-witness.js";
export type { GraphWitness } from "./measure.js";

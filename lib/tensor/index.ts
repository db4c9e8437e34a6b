export * from "./dtype.js";
export * from "./examples.js";
export { decodeNpy, encodeNpy, readNpy, writeNpy } from "./npy.js";
export * from "./npz.js";
export * from "./row-chunks.js";
export * from "./rows.js";
export * from "./tensor.js";

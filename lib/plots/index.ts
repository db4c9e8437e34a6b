export * from "./figure.js";
export * from "./image-grid.js";

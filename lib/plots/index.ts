export { detection, probe } from "./detectors.js";
export { examples } from "./examples.js";
export * from "./figure.js";
export * from "./image-grid.js";
export { fewShotCurve, layerSweep } from "./probing.js";
export { roc } from "./roc.js";
export { type ScoreOptions, scores } from "./scores.js";
export { type TokenHeat, tokenHeat } from "./token-heat.js";
export { triggerPictures, triggerSearch } from "./trigger.js";

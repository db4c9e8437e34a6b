export { type Detection, detect } from "./detect.js";
export { fitGaussian, type Gaussian, type GaussianOptions } from "./gaussian.js";
export type { Shrinkage } from "./shrinkage.js";

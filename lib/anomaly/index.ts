export type { Shrinkage } from "../linalg/index.js";
export {
  type ActivationClustering,
  type ClassClustering,
  type ClusteredClass,
  type ClusteringOptions,
  clusterClasses,
  fitActivationClustering,
} from "./activation-clustering.js";
export { fitBeatrix } from "./beatrix.js";
export {
  type ClassGaussian,
  type ClassGaussianOptions,
  fitClassGaussian,
  fitRelativeGaussian,
} from "./class-gaussian.js";
export { type Detection, detect } from "./detect.js";
export type { Detector } from "./detector.js";
export { fitGaussian, type Gaussian, type GaussianOptions } from "./gaussian.js";
export { fitLayers, type LayersOptions } from "./layers.js";
export { fitLayerwise, type Layers, type LayerwiseDetector } from "./layerwise.js";
export { fitQue, fitSpectralSignature, fitSpectre, type QueOptions, type SpectreOptions } from "./que.js";
export { fitDiagonalGaussian, fitNearestNeighbours, fitPcaResidual } from "./simple-detectors.js";
export { type CovarianceSpectrum, covarianceSpectrum } from "./spectrum.js";
export { type StripOptions, strip } from "./strip.js";

export { type Cholesky, cholesky } from "./cholesky.js";
export { type CrossProducts, crossProducts, squaredLengths } from "./chunks.js";
export { choleskyFactor, invertLower, solveLower, solveLowerTransposed } from "./dense.js";
export { type LogisticLoss, logisticCurvature, logisticLoss } from "./logistic-loss.js";
export { centredRows, eachChunk, type Moments, meanOf, momentsOf, squaredNorms } from "./moments.js";
export { type Matrix, type MultiplyOptions, multiply } from "./multiply.js";
export { type Shrinkage, shrink, shrinkageIntensity } from "./shrinkage.js";
export { type SymmetricEigen, symmetricEigen } from "./symmetric-eigen.js";

export { type Cholesky, cholesky } from "./cholesky.js";
export { choleskyFactor } from "./cholesky-factor.js";
export { type CrossProducts, crossProducts, squaredLengths } from "./chunks.js";
export { type ClassMean, classMeans, momentsWithinClasses } from "./class-moments.js";
export { invertLower, solveLower, solveLowerTransposed } from "./dense.js";
export { type LogDeterminant, logDeterminant } from "./determinant.js";
export { type SymmetricEigen, symmetricEigen } from "./eigen/symmetric-eigen.js";
export { type TopEigenOptions, topEigen } from "./eigen/top-eigen.js";
export { curvatureTimes, type FloatLoss, type FloatTable, floatLoss } from "./logistic-floats.js";
export { type LogisticLoss, logisticCurvature, logisticLoss } from "./logistic-loss.js";
export { centredRows, eachChunk, type Moments, meanOf, momentsOf, squaredNorms } from "./moments.js";
export { type Matrix, type MultiplyOptions, multiply, multiplyFloats } from "./multiply.js";
export { type Shrinkage, shrink, shrinkageIntensity } from "./shrinkage.js";
export { featureMoments, momentsOfChunks } from "./streamed-moments.js";
export { type Svd, svd, topSvd } from "./svd.js";
export { solveTriangular, type TriangularOptions } from "./triangular.js";
export {
  type Centred,
  centred,
  transposed,
  type WeightedProducts,
  weightedProducts,
} from "./weighted-products.js";

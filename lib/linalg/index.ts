export { choleskyFactor, invertLower, solveLower, solveLowerTransposed } from "./dense.js";
export { type Matrix, type MultiplyOptions, multiply } from "./multiply.js";
export { type SymmetricEigen, symmetricEigen } from "./symmetric-eigen.js";

export { type NpzLimits, readNpz } from "../tensor/npz.js";

/** Cells made ready to run. */
export { type Cell, compile } from "../language/stand-in.js";

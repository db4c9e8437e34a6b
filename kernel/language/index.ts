/** The language engine, as the session uses it. It loads parsers: the supervisor imports `types.js` only. */
export { compileCell } from "./compile/compile.js";
export { CellSyntaxError } from "./compile/syntax-error.js";
export { isComplete } from "./completeness.js";
export { sessionFlags } from "./flags.js";
export { installCellRuntime, linkCell } from "./link.js";
export { createModuleLoader } from "./modules/loader.js";
export { createScript } from "./script.js";
export { type MappedStack, type StackFrame, StackMapper } from "./stack.js";
export type * from "./types.js";

/** One client for everything that speaks to a kernel. */
export { connectKernel, startKernel } from "./start.js";
export type { ExecuteOptions, ExecuteReply, KernelClient, StartOptions } from "./types.js";

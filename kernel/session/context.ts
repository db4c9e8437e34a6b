/** Which run of a cell the present code belongs to, also in timers and promises that it started. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { RunId } from "./events.js";

const runs = new AsyncLocalStorage<RunId>();

/** Runs code as part of a cell's run. */
export const within = <Result>(run: RunId, code: () => Result): Result => runs.run(run, code);

/** The run that started the present code, if it was a cell. */
export const originOf = (): RunId | undefined => runs.getStore();

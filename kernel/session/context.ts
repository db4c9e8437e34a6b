/**
 * Which run of a cell the present code belongs to, also in timers that an earlier cell started.
 *
 * AsyncLocalStorage would know it everywhere, but it works through promise hooks, and with those on Node 20
 * aborts when a run is terminated in the middle of a promise job. So timers are followed by hand, with the
 * promise jobs that come of them; other late work counts as part of the running cell, or of the last one.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";
import type { RunId } from "./events.js";

let origin: RunId | undefined;

/** The run whose timer or message is being handled now, if it is known. */
export const originOf = (): RunId | undefined => origin;

/** Runs code on behalf of a run; promise jobs that come of it belong to that run too. */
export function within<Result>(run: RunId, code: () => Result): Result {
  enter(run);
  return code();
}

function enter(run: RunId): void {
  origin = run;
  // Ticks that are scheduled by a promise job run when no promise job is left.
  queueMicrotask(() => process.nextTick(leave));
}

function leave(): void {
  origin = undefined;
}

const stopped = new Set<RunId>();

/**
 * A run was interrupted: its timers do nothing any more. Otherwise a loop such as
 * `while (true) await sleep(100)` would go on behind the user's back.
 */
export function stopTimersOf(run: RunId): void {
  stopped.add(run);
}

type Callback = (...args: unknown[]) => void;
type Timer = (callback: Callback, ...rest: unknown[]) => unknown;
type PromiseTimer = (...args: unknown[]) => Promise<unknown>;

/**
 * Makes timers remember the run that started them.
 *
 * @param current The run that present code belongs to.
 */
export function followTimers(current: () => RunId): void {
  const require = createRequire(import.meta.url);
  const timers = require("node:timers") as Record<string, Timer>;
  const promises = require("node:timers/promises") as Record<string, PromiseTimer>;
  for (const name of ["setTimeout", "setImmediate"]) {
    const original = promises[name]!;
    promises[name] = followed(original, (...args) => {
      const run = current();
      return new Promise((resolve, reject) => {
        const pass = (settle: () => void) => {
          if (stopped.has(run)) return;
          enter(run);
          settle();
        };
        original(...args).then(
          (value) => pass(() => resolve(value)),
          (error: unknown) => pass(() => reject(error)),
        );
      });
    });
  }
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    const original = timers[name]!;
    const replaced: Timer = followed(original, (callback, ...rest) => {
      // Node's own check of the argument has the better message.
      if (typeof callback !== "function") return original(callback, ...rest);
      const run = current();
      return original(
        function (this: unknown, ...args: unknown[]): void {
          if (stopped.has(run)) {
            clearInterval(this as NodeJS.Timeout);
            return;
          }
          enter(run);
          callback.apply(this, args);
        },
        ...rest,
      );
    });
    if (promises[name]) Object.defineProperty(replaced, promisify.custom, { value: promises[name] });
    timers[name] = replaced;
    Object.assign(globalThis, { [name]: replaced });
  }
  syncBuiltinESMExports();
}

/** Gives the replacement the look of the original. */
function followed<F extends (...args: never[]) => unknown>(original: F, replacement: F): F {
  for (const property of ["name", "length"]) {
    Object.defineProperty(replacement, property, Object.getOwnPropertyDescriptor(original, property)!);
  }
  return replacement;
}

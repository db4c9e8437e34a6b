/**
 * Runs code so that a signal can stop it, and only it.
 *
 * Node's `breakOnSigint` takes the process' own SIGINT handlers away and puts them back; a signal in between
 * ends the process. So the thread that sends the signal and the one that runs the code agree, through one
 * shared number, on when a signal may be sent: while the code runs, or while nothing is being changed.
 */
import vm from "node:vm";
import type { RunId } from "./events.js";

/** Values of the shared number. */
export const GUARD = {
  /** No guarded code runs; Node's handlers are in place. */
  idle: 0,
  /** Guarded code runs; a signal ends it. */
  running: 1,
  /** A signal is on its way to guarded code, which must not leave before it arrives. */
  signalled: 2,
  /** Handlers are being changed: no signal now. */
  changing: 3,
  /** The other thread is sending a signal that the handlers ignore. */
  locked: 4,
} as const;

/** Where the shared numbers stand: the state above, and the run that may be stopped (negative when it is over). */
export const SLOTS = { state: 0, run: 1 } as const;

/** Makes the numbers that both threads share. */
export function newGuard(): Int32Array {
  const guard = new Int32Array(
    new SharedArrayBuffer(Object.keys(SLOTS).length * Int32Array.BYTES_PER_ELEMENT),
  );
  // While the session is loading, nothing may be stopped.
  guard[SLOTS.state] = GUARD.changing;
  return guard;
}

/** Runs scripts under one guard. */
export class GuardedRunner {
  readonly #guard: Int32Array;
  readonly #entry: vm.Script;
  #script: vm.Script | undefined;

  constructor(guard: Int32Array) {
    this.#guard = guard;
    const hook = Symbol.for("assay.guarded");
    Object.defineProperty(globalThis, hook, { value: () => this.#inside() });
    // Named as Node's own files are: stacks leave its frame out.
    this.#entry = new vm.Script('globalThis[Symbol.for("assay.guarded")]()', {
      filename: "node:assay/guard",
    });
  }

  /** The session is ready: code that runs may be stopped from now on. */
  open(): void {
    Atomics.store(this.#guard, SLOTS.state, GUARD.idle);
  }

  /** Names the run that may be stopped from now on. */
  begin(run: RunId): void {
    Atomics.store(this.#guard, SLOTS.run, run);
  }

  /** The run is over and must not be stopped any more. */
  end(run: RunId): void {
    Atomics.store(this.#guard, SLOTS.run, -run);
  }

  /** Runs a script to its end or to a signal, which throws ERR_SCRIPT_EXECUTION_INTERRUPTED. */
  run(script: vm.Script): unknown {
    while (Atomics.compareExchange(this.#guard, SLOTS.state, GUARD.idle, GUARD.changing) !== GUARD.idle) {
      // The other thread holds the lock for a millisecond or two.
    }
    this.#script = script;
    try {
      return this.#entry.runInThisContext({ breakOnSigint: true, displayErrors: false });
    } finally {
      Atomics.store(this.#guard, SLOTS.state, GUARD.idle);
    }
  }

  #inside(): unknown {
    Atomics.store(this.#guard, SLOTS.state, GUARD.running);
    // What a signal ends skips the `finally` block too.
    try {
      return this.#script!.runInThisContext({ displayErrors: false });
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    if (Atomics.compareExchange(this.#guard, SLOTS.state, GUARD.running, GUARD.changing) === GUARD.running)
      return;
    for (;;) {
      // Signalled: it arrives at any moment, and ends this loop.
    }
  }
}

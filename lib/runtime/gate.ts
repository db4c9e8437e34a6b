/** Keeps a thread from being ended while native code runs in it, which would abort the whole process. */

/** Places in the shared memory of a worker and its host. */
export const GATE = {
  /** Counts replies, so that the host can wait for one. */
  replies: 0,
  /** 1 while native code runs. */
  busy: 1,
  /** 1 when no further run may begin. */
  closed: 2,
  /** 1 once the worker listens. */
  ready: 3,
} as const;

let shared: Int32Array | undefined;

/** Called once in a worker: runs there are announced from now on. */
export function announceRuns(memory: Int32Array): void {
  shared = memory;
}

/** Does native work; in a worker whose host is leaving, it never begins. */
export function throughGate<T>(work: () => T): T {
  if (shared === undefined) return work();
  Atomics.store(shared, GATE.busy, 1);
  // After the announcement, so that a host that closes the gate either sees it or is seen.
  if (Atomics.load(shared, GATE.closed) === 1) {
    leave(shared);
    for (;;) Atomics.wait(shared, GATE.closed, 1);
  }
  try {
    return work();
  } finally {
    leave(shared);
  }
}

function leave(memory: Int32Array): void {
  Atomics.store(memory, GATE.busy, 0);
  Atomics.notify(memory, GATE.busy);
}

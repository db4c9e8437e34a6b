/** How long something takes, whatever else the machine does. */

const TIMED_RUNS = 4;

/**
 * Seconds of processor time that something takes, the least of four: what else the machine does should not decide what an
 * audit does. Training takes one thread, so that this is its time on the clock of a quiet machine.
 */
export async function workSeconds(run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMED_RUNS; i++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1e6);
  }
  return least;
}

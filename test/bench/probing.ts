/** Suite `probing`: the two rows of suite `engine` that fit many small probes, alone and with more rounds. */
import { defaultThreads } from "../../lib/runtime/index.js";
import { probing as rowsOf } from "./engine/probing.js";
import { startPeer } from "./peer.js";

/** Runs the suite with as many threads on both sides as ASSAY_THREADS says; a missing peer gives null. */
export async function probing(): Promise<Record<string, unknown>> {
  const threads = Math.min(2, defaultThreads());
  const peer = await startPeer("numpy_jobs", threads);
  try {
    const rows = await rowsOf(peer, threads, 11);
    const ratios = Object.fromEntries(Object.entries(rows).map(([name, { ratio }]) => [name, ratio]));
    return { ...ratios, rows, versions: { node: process.version, ...peer?.versions } };
  } finally {
    peer?.stop();
  }
}

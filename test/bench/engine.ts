/** Suite `engine`: the numeric core beside PyTorch, NumPy and scikit-learn, interleaved in one run. */

import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { decompositions } from "./engine/decompositions.js";
import { cleanseStep, gpt, lenetStep } from "./engine/networks.js";
import { runOverhead } from "./engine/overhead.js";
import { probing } from "./engine/probing.js";
import { gaussian, probe, product } from "./engine/statistics.js";
import { promptedStep, tokenStep } from "./engine/tokens.js";
import type { Row } from "./measure.js";
import { type Peer, startPeer } from "./peer.js";

/**
 * Runs the suite.
 *
 * The flat keys hold ratios: of times ours / peer, lower is better; `gemm…` of rates, higher is better;
 * `runOverheadMicroseconds` and the coefficient errors are absolute. `rows` holds both sides of each ratio.
 * A missing peer gives null.
 */
export async function engine(): Promise<Record<string, unknown>> {
  const threads = Math.min(2, cpus().length);
  const rows: Record<string, Row> = {};
  const add = (found: Readonly<Record<string, Row>>): void => {
    for (const [name, { ours, peer, unit }] of Object.entries(found)) {
      console.error(
        `bench: ${name}: ${ours.toPrecision(3)} ${unit}, peer ${peer?.toPrecision(3) ?? "missing"}`,
      );
    }
    Object.assign(rows, found);
  };
  const versions: Record<string, string | number> = { node: process.version, ...ownVersions() };
  const note = (peer: Peer | undefined, name: string): void => {
    Object.assign(versions, peer?.versions);
    if (peer) versions[`${name}Blas`] = peer.blas.join(" ");
    if (peer) versions[`${name}BlasKernel`] = peer.kernels.join(" ");
  };
  const single = await startPeer("torch_jobs", 1);
  note(single, "torchOneThread");
  try {
    add({ lenetStepOverTorch: await lenetStep(single, 1, 5) });
    add({ cleanseStepOneThreadOverTorch: await cleanseStep(single, 1, 9) });
    add({ tokenStepOneThreadOverTorch: await tokenStep(single, 1, 9) });
    const { overTorch, overWhole } = await promptedStep(single, 1, 9);
    add({ promptedStepOneThreadOverTorch: overTorch, promptedStepOneThreadOverUncached: overWhole });
  } finally {
    single?.stop();
  }
  const torch = await startPeer("torch_jobs", threads);
  note(torch, "torch");
  try {
    add({ lenetStepTwoThreadsOverTorch: await lenetStep(torch, threads, 5) });
    add({ gptGradientOverTorch: await gpt(torch, "gradient", threads, 5) });
    add({ gptForwardOverTorch: await gpt(torch, "forward", threads, 5) });
    add({ cleanseStepOverTorch: await cleanseStep(torch, threads, 9) });
    add({ tokenStepOverTorch: await tokenStep(torch, threads, 9) });
    const { overTorch, overWhole } = await promptedStep(torch, threads, 9);
    add({ promptedStepOverTorch: overTorch, promptedStepOverUncached: overWhole });
  } finally {
    torch?.stop();
  }
  const numpy = await startPeer("numpy_jobs", threads);
  note(numpy, "numpy");
  const absolute: Record<string, number | null> = {};
  try {
    add({ gemmOverOpenBlas: await product(numpy, "float64", threads, 9) });
    add({ gemmFloat32OverOpenBlas: await product(numpy, "float32", threads, 9) });
    add(await gaussian(numpy, threads, 3));
    add(await decompositions(numpy, threads, 5));
    const probed = await probe(numpy, threads, 3);
    add({ probeOverSklearn: probed.row });
    Object.assign(absolute, probed.errors);
    add(await probing(numpy, threads, 5));
  } finally {
    numpy?.stop();
  }
  const overhead = await runOverhead(7);
  add({ runOverhead: overhead });
  const ratios = Object.entries(rows).filter(([name]) => name !== "runOverhead");
  return {
    ...Object.fromEntries(ratios.map(([name, { ratio }]) => [name, ratio])),
    runOverheadMicroseconds: overhead.ours - overhead.peer!,
    ...absolute,
    rows,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryBytes: totalmem() },
    versions,
  };
}

function ownVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  return { onnxruntime: (require("onnxruntime-node/package.json") as { version: string }).version };
}

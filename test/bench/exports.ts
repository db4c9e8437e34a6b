/** Suite `exports`: outputs and gradients of random modules that PyTorch exports, beside its own autograd. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadModel } from "../../lib/model/index.js";
import { clopperPearson } from "../../lib/stats/index.js";
import type { Tensor } from "../../lib/tensor/index.js";
import { relativeError } from "../support/compare.js";
import { fixturePath } from "../support/fixtures.js";
import { type TorchModel, torchReference } from "../support/torch-zoo.js";

const PYTHON = "/usr/bin/python3";
const COUNT = 480;
const SEED = 1;
/** Of maximum norms: float32 against torch's float64 values, through a few layers. */
const TOLERANCE = 1e-4;

interface Exports {
  readonly models: readonly TorchModel[];
  /** What torch does not export. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Runs the suite: some minutes. `rows` holds the models that differ, with the largest relative difference, or that
 * are refused here; `agreeing` the share that does neither, of those that torch exports.
 */
export async function exports(): Promise<Record<string, unknown>> {
  if (!existsSync(PYTHON)) throw new Error(`suite exports needs PyTorch: there is no ${PYTHON}`);
  const folder = mkdtempSync(join(tmpdir(), "assay-exports-"));
  try {
    const script = join(fixturePath("torch"), "random_exports.py");
    await promisify(execFile)(PYTHON, ["-B", script, folder, String(COUNT), String(SEED)], {
      maxBuffer: 2 ** 28,
    });
    const found = JSON.parse(readFileSync(join(folder, "models.json"), "utf8")) as Exports;
    const rows: Record<string, unknown> = {};
    let agreeing = 0;
    for (const { name, opset, operators } of found.models) {
      const outcome = await compared(folder, name).catch((error: Error) => error.message.slice(0, 300));
      if (typeof outcome === "number" && outcome <= TOLERANCE) agreeing++;
      else rows[name] = { outcome, opset, operators };
    }
    return {
      agreeing: clopperPearson(agreeing, found.models.length),
      refusedByTorch: found.refused.length,
      tolerance: TOLERANCE,
      rows,
      refused: found.refused,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Largest difference of an output or a gradient from torch's. */
async function compared(folder: string, name: string): Promise<number> {
  const { inputs, outputs, cotangents, gradients } = await torchReference(name, folder);
  using model = await loadModel(join(folder, `${name}.onnx`), { threads: 1 });
  const results = await model.run(inputs);
  const slopes = await model.vjp(inputs, { cotangents, wrt: Object.keys(gradients) });
  // A gradient that cancels to nothing, as a bias before a normalisation has, is judged beside the others.
  const largest = Math.max(...Object.values(gradients).map(size));
  return Math.max(
    ...Object.entries(outputs).map(([key, expected]) => relativeError(results[key]!, expected)),
    ...Object.entries(gradients).map(([key, expected]) =>
      relativeError(slopes[key]!, expected, Math.max(1e-3, 0.01 * largest)),
    ),
  );
}

const size = ({ data }: Tensor): number =>
  (data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

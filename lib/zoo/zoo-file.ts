/** `zoo.json`: what is known of the sample models that lie beside it. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { AssayError } from "../errors.js";
import type { Estimate } from "../stats/index.js";

/** A sample model: what its maker says of it, and, apart from that, the truth. */
export interface ZooEntry {
  readonly file: string;
  readonly sha256: string;
  readonly architecture: string;
  readonly trainedOn: string;
  /** On examples that it was not trained on. */
  readonly accuracy: Estimate;
  readonly licence: string;
  readonly truth: ZooTruth;
}

/** What an auditor must not read before the verdict. */
export interface ZooTruth {
  readonly role: string;
  readonly isBackdoored: boolean;
  readonly target?: number;
  /** Classes that the trigger works from, if not from all. */
  readonly sources?: readonly number[];
  readonly trigger?: string;
  readonly poisonRate?: number;
  /** Success of the planted trigger; for a clean model, of the trigger planted in its twin. */
  readonly attackSuccessRate: Estimate;
}

/**
 * Reads a zoo file.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE.
 */
export async function readZoo(path: string): Promise<readonly ZooEntry[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `"${path}" cannot be read. Build the sample models with "npm run zoo".`,
      { path },
      { cause },
    );
  }
  try {
    const { kind, models } = JSON.parse(text) as { kind?: unknown; models?: unknown };
    if (kind === "zoo" && Array.isArray(models)) return models as ZooEntry[];
  } catch (cause) {
    throw new AssayError("INVALID_FILE", `"${path}" is not JSON.`, { path }, { cause });
  }
  throw new AssayError(
    "INVALID_FILE",
    `"${path}" is not a zoo file: expected { kind: "zoo", models: [...] }.`,
    { path },
  );
}

/** Puts entries into a zoo file; entries of other files stay as they are. */
export async function updateZoo(path: string, entries: readonly ZooEntry[]): Promise<void> {
  const known = await readZoo(path).catch((error: unknown) => {
    if (error instanceof AssayError && error.code === "FILE_NOT_FOUND") return [];
    throw error;
  });
  const byFile = new Map([...known, ...entries].map((entry) => [entry.file, entry]));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ kind: "zoo", models: [...byFile.values()] }, null, 2)}\n`);
}

/** The hash that a zoo file states. */
export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Four digits are more than the interval supports. */
export function rounded(estimate: Estimate): Estimate {
  const round = (value: number): number => Number(value.toFixed(4));
  const [low, high] = estimate.interval;
  return { ...estimate, value: round(estimate.value), interval: [round(low), round(high)] };
}

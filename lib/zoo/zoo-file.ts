/** `zoo.json`: what is known of the sample models that lie beside it. */
import { readFile } from "node:fs/promises";
import { AssayError } from "../errors.js";
import type { Estimate } from "../stats/index.js";

/** A sample model: what its maker says of it, and, apart from that, the truth. */
export interface ZooEntry {
  readonly file: string;
  readonly sha256: string;
  readonly architecture: string;
  readonly trainedOn: string;
  /** On the 10,000 test images. */
  readonly accuracy: Estimate;
  readonly licence: string;
  readonly truth: ZooTruth;
}

/** What an auditor must not read before the verdict. */
export interface ZooTruth {
  readonly role: string;
  readonly isBackdoored: boolean;
  readonly target?: number;
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

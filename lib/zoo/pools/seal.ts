/**
 * Sealed labels: a commitment per model, published before any model is scored.
 *
 * A commitment shows that a label was not changed after the scores were seen. It does not hide the label from
 * somebody who rebuilds the pool from this repository.
 */
import { createHash } from "node:crypto";

/** The truth about one member of a pool. */
export interface SealedTruth {
  readonly file: string;
  readonly isBackdoored: boolean;
  readonly family: string | null;
  readonly target: number | null;
  readonly source: number | null;
  /** Makes equal truths look different. */
  readonly nonce: string;
}

/** SHA-256 of the truth, as JSON with its keys in the order of `SealedTruth`. */
export function commitmentOf({ file, isBackdoored, family, target, source, nonce }: SealedTruth): string {
  const text = JSON.stringify({ file, isBackdoored, family, target, source, nonce });
  return createHash("sha256").update(text).digest("hex");
}

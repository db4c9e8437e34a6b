/** Scans files on disk: the result that the command line and cells show. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { AssayError, namingFile } from "../../errors.js";
import { decodeFile } from "../file/decode.js";
import { externalProblems } from "../file/external.js";
import type { Model } from "../schema.js";
import { type Finding, finding } from "./finding.js";
import { lintModel } from "./index.js";

/** What a scan found in one file. */
export interface ScannedFile {
  readonly file: string;
  readonly sha256: string;
  /** The gravest first. */
  readonly findings: readonly Finding[];
}

/** What a scan found in some files. */
export interface ModelScan {
  readonly kind: "scan";
  readonly models: readonly ScannedFile[];
}

/**
 * Reads a model's file for planted logic, without running it.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE, INVALID_MODEL or TOO_LARGE; the message names the file.
 *
 * @example
 * onnx.scanFile("model.onnx").findings.length
 */
export function scanFile(file: string): ScannedFile {
  return namingFile(file, () => {
    const sha256 = hashOf(file);
    const model = decodeFile(file);
    const findings = lintModel(model);
    const [links, others] = lintFiles(model, file, findings);
    return { file, sha256, findings: [...links, ...findings, ...others] };
  });
}

/** What only the folder shows of weights that lie beside the model: links that lead away, and what is not there. */
function lintFiles(
  model: Model,
  file: string,
  known: readonly Finding[],
): [escapes: Finding[], others: Finding[]] {
  const named = new Set(known.filter(({ rule }) => rule === ESCAPE).map(({ node }) => node));
  const problems = externalProblems(model, file).filter(({ tensor }) => !named.has(tensor));
  const isEscape = ({ problem }: (typeof problems)[number]): boolean => problem.code === "OUTSIDE_FOLDER";
  return [
    problems.filter(isEscape).map(({ tensor, problem }) => finding(ESCAPE, "flag", tensor, problem.message)),
    problems
      .filter((one) => !isEscape(one))
      .map(({ tensor, problem }) => finding("external-missing", "info", tensor, problem.message)),
  ];
}

const ESCAPE = "external-escape";

/**
 * Scans some files.
 *
 * @throws AssayError as {@link scanFile}, for the first file that cannot be read.
 */
export const scanFiles = (files: readonly string[]): ModelScan => ({
  kind: "scan",
  models: files.map(scanFile),
});

const CHUNK = 1 << 20;

/** SHA-256 of a file, read in pieces: models are larger than a buffer may be. */
function hashOf(file: string): string {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(CHUNK);
  let descriptor: number | undefined;
  try {
    // A pipe would be waited for, a device read for ever.
    if (!statSync(file).isFile()) throw new AssayError("INVALID_FILE", `"${file}" is not a file.`, { file });
    descriptor = openSync(file, "r");
    for (let read = -1; read !== 0; ) {
      read = readSync(descriptor, buffer, 0, CHUNK, null);
      hash.update(buffer.subarray(0, read));
    }
  } catch (cause) {
    if (cause instanceof AssayError) throw cause;
    throw new AssayError("FILE_NOT_FOUND", `scan: "${file}" cannot be read.`, { file }, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  return hash.digest("hex");
}

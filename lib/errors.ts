/** The one error type that Assay throws on purpose: what was wrong, where, and what to do. */

/** Machine-readable reasons. A program may branch on these; the message is for people. */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "INVALID_FILE"
  | "INVALID_MODEL"
  | "INVALID_NOTEBOOK"
  | "INVALID_MESSAGE"
  | "UNKNOWN_TAP"
  | "UNKNOWN_TENSOR"
  | "UNKNOWN_OPERATOR"
  | "UNSUPPORTED_OPERATOR"
  | "UNSUPPORTED_TYPE"
  | "SHAPE_MISMATCH"
  | "TYPE_MISMATCH"
  | "SINGULAR_COVARIANCE"
  | "SINGULAR_MATRIX"
  | "NOT_FINITE"
  | "NOT_CONVERGED"
  | "TOO_LARGE"
  | "FILE_NOT_FOUND"
  | "OUTSIDE_FOLDER"
  | "MISSING_DEPENDENCY"
  | "PORT_IN_USE"
  | "TIMEOUT"
  | "ABORTED"
  | "KERNEL_DIED"
  | "RUN_FAILED";

/**
 * An error whose message says what was wrong, where, and what to do.
 *
 * @example
 * try { await model.activations(x, { at: "relu" }) } catch (error) {
 *   if (error instanceof AssayError && error.code === "UNKNOWN_TAP") console.log(error.details.nearest);
 * }
 */
export class AssayError extends Error {
  override readonly name = "AssayError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/**
 * Does something with a file; an AssayError on the way names the file, which is what its reader asks first.
 *
 * @throws AssayError What `work` threw, with `file` in its message and details.
 */
export function namingFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AssayError) || error.message.includes(file)) throw error;
    throw new AssayError(
      error.code,
      `"${file}": ${error.message}`,
      { ...error.details, file },
      { cause: error },
    );
  }
}

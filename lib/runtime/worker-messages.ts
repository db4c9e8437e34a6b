/** What a session's host and its worker thread say to each other, and how tensors change hands. */
import { AssayError, type ErrorCode } from "../errors.js";
import type { Tensor } from "../tensor/index.js";
import type { SessionOptions, Tensors } from "./session.js";
import type { ValueDescription } from "./value.js";

/** What the host asks for; `id` names the reply. */
export type Request =
  | {
      readonly kind: "create";
      readonly id: number;
      readonly session: number;
      readonly model: Uint8Array | string;
      readonly options: SessionOptions;
    }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly session: number;
      readonly feeds: Tensors;
      readonly outputs: readonly string[] | undefined;
    }
  | { readonly kind: "hold"; readonly id: number; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: "dispose"; readonly id: number; readonly session: number };

/** What a request gave. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError };

/** A created session's inputs and outputs. */
export interface Created {
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
}

/** An error that can be sent. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
}

/** An error as data. */
export function plainError(error: unknown): PlainError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof AssayError;
  return { code: known ? error.code : undefined, message, details: known ? error.details : {}, stack };
}

/** The error that was sent; its own stack is that of the caller, which a user can read. */
export function thrownError({ code, message, details, stack }: PlainError): Error {
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return code === undefined
    ? new Error(message, { cause })
    : new AssayError(code, message, details, { cause });
}

/**
 * Tensors whose memory can be given away, with that memory. A plain copy that changes hands is twenty times as
 * fast as the copy that a message makes, and the sender's own tensors stay as they are.
 */
export function copied(tensors: Tensors): { readonly tensors: Tensors; readonly memory: ArrayBuffer[] } {
  const memory: ArrayBuffer[] = [];
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    if (Array.isArray(tensor.data)) return [name, tensor] as const;
    const data = tensor.data.slice();
    memory.push(data.buffer as ArrayBuffer);
    return [name, { type: tensor.type, dims: tensor.dims, data } as Tensor] as const;
  });
  return { tensors: Object.fromEntries(entries), memory };
}

/** The memory of tensors that nobody else holds. */
export const memoryOf = (tensors: Tensors): ArrayBuffer[] => [
  ...new Set(
    Object.values(tensors).flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer as ArrayBuffer])),
  ),
];

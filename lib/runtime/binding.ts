/** The native library under onnxruntime-node, which can also be called synchronously. */
import { createRequire } from "node:module";
import { AssayError } from "../errors.js";

/** What the library says about an input or output. */
export interface NativeMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  /** Sizes, -1 where `symbolicDimensions` names one or where it is unknown. */
  readonly shape: readonly number[];
  readonly symbolicDimensions: readonly string[];
  /** TensorProto.DataType. */
  readonly type: number;
}

/** A tensor as the library takes and gives it. */
export interface NativeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** A session of the library. */
export interface NativeSession {
  loadModel(file: string, options: Record<string, unknown>): void;
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: Record<string, unknown>): void;
  readonly inputMetadata: readonly NativeMetadata[];
  readonly outputMetadata: readonly NativeMetadata[];
  run(
    feeds: Readonly<Record<string, NativeTensor>>,
    fetches: Readonly<Record<string, null>>,
    options: Record<string, unknown>,
  ): Record<string, NativeTensor>;
  dispose(): void;
}

interface Library {
  readonly newSession: () => NativeSession;
  readonly newTensor: (type: string, data: unknown, dims: readonly number[]) => NativeTensor;
}

let library: Library | undefined;

/** Loads the library on first use, so that importing Assay stays cheap. */
export function nativeLibrary(): Library {
  library ??= load();
  return library;
}

function load(): Library {
  try {
    const require = createRequire(import.meta.url);
    const { binding, initOrt } = require("onnxruntime-node/dist/binding.js") as {
      binding: { InferenceSession: new () => NativeSession };
      initOrt: () => void;
    };
    const { Tensor } = require("onnxruntime-common") as {
      Tensor: new (type: string, data: unknown, dims: readonly number[]) => NativeTensor;
    };
    initOrt();
    return {
      newSession: () => new binding.InferenceSession(),
      newTensor: (type, data, dims) => new Tensor(type, data, dims),
    };
  } catch (cause) {
    throw new AssayError(
      "MISSING_DEPENDENCY",
      `onnxruntime-node has no library for ${process.platform} ${process.arch}, or it is not installed.`,
      { platform: process.platform, arch: process.arch },
      { cause },
    );
  }
}

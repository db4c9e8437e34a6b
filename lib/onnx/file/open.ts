/** From a path or bytes to a checked model, and from a model to a session. */
import { namingFile } from "../../errors.js";
import { createSession, type Session, type SessionOptions } from "../../runtime/index.js";
import { guardResize } from "../rewrite/guard.js";
import type { Model } from "../schema.js";
import { checkModel } from "./check.js";
import { decodeFile, decodeModel } from "./decode.js";
import { encodeModel } from "./encode.js";
import { externalize, refuseExternal, resolveExternal } from "./external.js";

/**
 * Reads and checks a model.
 *
 * @param source A path, or the bytes of a file. Bytes must not change afterwards: weights are views on them.
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE, INVALID_MODEL, UNKNOWN_OPERATOR, TOO_LARGE, OUTSIDE_FOLDER.
 */
export function openModel(source: string | Uint8Array): Model {
  if (typeof source === "string") {
    return namingFile(source, () => {
      const model = decodeFile(source);
      checkModel(model);
      return resolveExternal(model, source);
    });
  }
  const model = decodeModel(source);
  checkModel(model);
  refuseExternal(model);
  return model;
}

/** Loads a model into onnxruntime. Weights that lie on disk are read from there, without a copy of ours. */
export function modelSession(model: Model, options: SessionOptions = {}): Session {
  const { model: outside, folder } = externalize(guardResize(model));
  return createSession(encodeModel(outside), {
    ...options,
    ...(folder === undefined ? {} : { externalFolder: folder }),
  });
}

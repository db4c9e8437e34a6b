/** The sealed sets of track G, with the commitments that were published before they were scored. */
import { createHash } from "node:crypto";
import { encodeModel } from "../../onnx/index.js";
import { COMMITMENT, sealedModels } from "./sealed.js";
import type { SealedModel } from "./sealed-model.js";
import { SECOND_COMMITMENT, secondSealedModels } from "./sealed-second.js";
import type { Carrier } from "./site.js";

/** In the order in which they were written. */
export const sealedSets: readonly { readonly models: readonly SealedModel[]; readonly commitment: string }[] =
  [
    { models: sealedModels, commitment: COMMITMENT },
    { models: secondSealedModels, commitment: SECOND_COMMITMENT },
  ];

/** SHA-256 over names, labels and the encoded models. */
export function commitmentOf(models: readonly SealedModel[], image: Carrier, text: Carrier): string {
  const hash = createHash("sha256");
  for (const { name, isBackdoored, make } of models) {
    hash.update(`${name}\n${isBackdoored}\n`).update(encodeModel(make(image, text)));
  }
  return hash.digest("hex");
}

/** What a sealed set of track G holds. */
import type { Model } from "../../onnx/index.js";
import type { Carrier } from "./site.js";

/** One model of the track. */
export interface SealedModel {
  readonly name: string;
  readonly isBackdoored: boolean;
  readonly make: (image: Carrier, text: Carrier) => Model;
}

/**
 * Results of every kind that the contract suite draws: a typical one, an empty one, and one whose names are
 * `hostile`, as those in a stranger's model may be. A kind without samples does not compile.
 */

import type { Result, ResultKind } from "../../../../lib/results.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { auditSamples } from "./audit.js";
import { extractionSamples } from "./extraction.js";
import { tokenSamples } from "./tokens.js";

/** A name that breaks out of markup wherever it is not escaped. */
export const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\u001b[31m`;

/** The samples by kind. */
export const samples: { readonly [K in ResultKind]: readonly Extract<Result, { kind: K }>[] } = {
  estimate: [
    { kind: "estimate", value: 0.97, interval: [0.94, 0.99], level: 0.95, n: 256, method: "Wilson" },
    { kind: "estimate", value: Number.NaN, interval: [0, 1], level: 0.95, n: 0, method: hostile },
  ],
  figure: [
    {
      kind: "figure",
      data: [{ type: "scatter", x: [0, 0.5, 1], y: [0, 0.9, 1], name: "probe" }],
      layout: { title: { text: "ROC" }, xaxis: { title: { text: "false positive rate" } } },
      description: "ROC curve of the probe: AUROC 0.93.",
    },
    { kind: "figure", data: [], layout: {}, description: hostile },
  ],
  "image-grid": [
    {
      kind: "image-grid",
      images: [
        { tensor: tensor("float32", [2, 3], Float32Array.of(0, 0.5, 1, 1, 0.5, 0)), caption: "mask" },
        { tensor: tensor("uint8", [3, 1, 2], Uint8Array.of(255, 0, 0, 255, 0, 0)), caption: hostile },
      ],
      range: [0, 1],
    },
    { kind: "image-grid", images: [], range: [0, 1] },
  ],
  "token-heat": [
    {
      kind: "token-heat",
      tokens: ["the", " cat\n", "", hostile],
      values: [0, -0.5, Number.NaN, 2],
      label: hostile,
    },
    { kind: "token-heat", tokens: [], values: [], label: "loss (nats)" },
  ],
  ...auditSamples(hostile),
  ...extractionSamples(hostile),
  ...tokenSamples(hostile),
};

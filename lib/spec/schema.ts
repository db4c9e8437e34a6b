/** The JSON schema of a stored specification. */

const rate = { type: "number", minimum: 0, maximum: 1 } as const;
const range = { type: "array", items: { type: "number" }, minItems: 2, maxItems: 2 } as const;
const count = { type: "integer", minimum: 0 } as const;
const classes = { type: "array", items: count, minItems: 1, maxItems: 100_000 } as const;

const tagged = (
  type: string,
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[] = [],
) => ({
  type: "object",
  properties: { type: { const: type }, ...properties },
  required: ["type", ...required],
  additionalProperties: false,
});

const clause = (type: string, properties: Readonly<Record<string, unknown>>, required: readonly string[]) =>
  tagged(type, { name: { type: "string", maxLength: 500 }, ...properties }, required);

const domains = [
  tagged("image", { range }, ["range"]),
  tagged(
    "tokens",
    {
      vocabulary: { type: "integer", minimum: 1 },
      padding: count,
      trigger: {
        type: "object",
        properties: {
          length: { type: "array", items: { type: "integer", minimum: 1 }, minItems: 2, maxItems: 2 },
          position: { enum: ["prefix", "suffix", "anywhere"] },
        },
        required: ["length", "position"],
        additionalProperties: false,
      },
    },
    ["vocabulary"],
  ),
  tagged("table", {
    columns: {
      type: "array",
      maxItems: 100_000,
      items: {
        type: "object",
        properties: { name: { type: "string" }, range },
        required: ["name"],
        additionalProperties: false,
      },
    },
  }),
  tagged("audio", { range, sampleRateHz: { type: "number", exclusiveMinimum: 0 } }, ["range"]),
  tagged(
    "enumeration",
    {
      symbols: { type: "integer", minimum: 1 },
      length: { type: "integer", minimum: 1 },
      fixed: { type: "array", items: { type: ["integer", "null"], minimum: 0 }, maxItems: 1000 },
    },
    ["symbols", "length"],
  ),
];

const changes = [
  tagged("shift", { pixels: { type: "integer", minimum: 1 } }, ["pixels"]),
  tagged("noise", { amplitude: { type: "number", exclusiveMinimum: 0 } }, ["amplitude"]),
  tagged("brightness", { amount: { type: "number", exclusiveMinimum: 0 } }, ["amount"]),
  tagged("mirror", {}),
  tagged("gain", { decibels: { type: "number", exclusiveMinimum: 0 } }, ["decibels"]),
  tagged("delay", { frames: { type: "integer", minimum: 1 } }, ["frames"]),
  tagged("insert-tokens", { count: { type: "integer", minimum: 1 }, from: classes }, ["count", "from"]),
  tagged("drop-tokens", { count: { type: "integer", minimum: 1 } }, ["count"]),
];

const byType = (options: readonly object[]) => ({
  type: "object",
  discriminator: { propertyName: "type" },
  required: ["type"],
  oneOf: options,
});

const clauses = [
  clause("accuracy", { atLeast: rate }, ["atLeast"]),
  clause("invariance", { under: byType(changes), whenLabel: classes, atMost: rate }, ["under", "atMost"]),
  clause("forbidden-output", { outputs: classes, whenLabel: classes, atMost: rate }, ["outputs", "atMost"]),
  clause(
    "monotonicity",
    {
      feature: count,
      step: { type: "number", exclusiveMinimum: 0 },
      output: count,
      direction: { enum: ["rising", "falling"] },
      atMost: rate,
    },
    ["feature", "step", "output", "direction", "atMost"],
  ),
  clause("no-trigger", { target: count, successAtMost: rate }, ["successAtMost"]),
  clause("fairness", { differenceAtMost: rate }, ["differenceAtMost"]),
  {
    ...clause(
      "rare-event",
      {
        output: count,
        above: { type: "number" },
        below: { type: "number" },
        whenLabel: classes,
        atMost: rate,
      },
      ["output", "atMost"],
    ),
    anyOf: [{ required: ["above"] }, { required: ["below"] }],
  },
  clause("forbidden-text", { pattern: { type: "string", minLength: 1, maxLength: 500 }, atMost: rate }, [
    "pattern",
    "atMost",
  ]),
];

/** JSON schema (draft 7) of what `spec.parseSpecification` accepts. */
export const specificationSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Assay specification",
  type: "object",
  properties: {
    kind: { const: "specification" },
    name: { type: "string", maxLength: 500 },
    domain: byType(domains),
    observes: byType([
      tagged("output", { name: { type: "string" } }),
      tagged("activation", { at: { type: "string" } }, ["at"]),
    ]),
    clauses: { type: "array", items: byType(clauses), maxItems: 1000 },
  },
  required: ["kind", "domain"],
  additionalProperties: false,
};

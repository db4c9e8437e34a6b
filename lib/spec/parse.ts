/** From JSON to a specification: checked against the schema, with the place of every mistake. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Ajv, ErrorObject, ValidateFunction } from "ajv";
import { AssayError } from "../errors.js";
import { specificationSchema } from "./schema.js";
import type { EnumerationDomain, Specification } from "./specification.js";

/**
 * Reads a specification from a JSON file.
 *
 * @throws AssayError FILE_NOT_FOUND, INVALID_FILE.
 */
export async function readSpecification(path: string): Promise<Specification> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new AssayError("FILE_NOT_FOUND", `there is no specification "${path}".`, { path }, { cause });
  }
  try {
    return parseSpecification(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof AssayError ? cause.message : `it is not JSON (${(cause as Error).message})`;
    throw new AssayError("INVALID_FILE", `"${path}" is not a specification: ${why}`, { path }, { cause });
  }
}

/**
 * Checks that a JSON value is a specification. A missing list of clauses means none.
 *
 * @throws AssayError INVALID_ARGUMENT that names every place that is wrong.
 */
export function parseSpecification(value: unknown): Specification {
  const validate = validator();
  if (!validate(value)) {
    const places = (validate.errors ?? []).slice(0, 5).map(sayError).join("; ");
    throw new AssayError("INVALID_ARGUMENT", `specification: ${places}.`, { errors: validate.errors });
  }
  const parsed = value as Omit<Specification, "clauses"> & Partial<Pick<Specification, "clauses">>;
  const { domain } = parsed;
  const bounds = domain.type === "image" || domain.type === "audio" ? domain.range : [0, 1];
  if (!(bounds[0]! < bounds[1]!)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `specification: /domain/range must rise, got [${bounds.join(", ")}].`,
      { range: bounds },
    );
  }
  if (domain.type === "enumeration" && domain.fixed && !isFixing(domain)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `specification: /domain/fixed needs ${domain.length} entries, each null or a symbol below ${domain.symbols}.`,
      { fixed: domain.fixed },
    );
  }
  for (const [i, clause] of (parsed.clauses ?? []).entries()) {
    if (clause.type === "forbidden-text") checkPattern(clause.pattern, i);
  }
  return { ...parsed, clauses: parsed.clauses ?? [] };
}

const isFixing = ({ fixed = [], length, symbols }: EnumerationDomain): boolean =>
  fixed.length === length && fixed.every((symbol) => symbol === null || symbol < symbols);

function checkPattern(pattern: string, clause: number): void {
  try {
    new RegExp(pattern, "iu");
  } catch (cause) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `specification: /clauses/${clause}/pattern is no regular expression: ${(cause as Error).message}.`,
      { pattern },
      { cause },
    );
  }
}

let compiled: ValidateFunction | undefined;

/** The schema compiler is loaded on first use only. */
function validator(): ValidateFunction {
  if (!compiled) {
    const { Ajv: Compiler } = createRequire(import.meta.url)("ajv") as { Ajv: typeof Ajv };
    compiled = new Compiler({ allErrors: true, discriminator: true, strict: false }).compile(
      specificationSchema,
    );
  }
  return compiled;
}

function sayError({ instancePath, message, params }: ErrorObject): string {
  const place = instancePath === "" ? "the whole" : instancePath;
  const extra = "additionalProperty" in params ? ` "${params["additionalProperty"]}"` : "";
  const allowed = "allowedValue" in params ? ` ${JSON.stringify(params["allowedValue"])}` : "";
  const values = "allowedValues" in params ? `: ${(params["allowedValues"] as unknown[]).join(", ")}` : "";
  return `${place} ${message}${extra}${allowed}${values}`;
}

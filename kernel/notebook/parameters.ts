/** Parameters of a notebook: the declarations of the cell tagged `parameters`, and the cell that overrides them. */
import { createHash } from "node:crypto";
import { AssayError } from "../../lib/errors.js";
import { parseSource } from "../language/compile/parse.js";
import { type CodeCell, type Notebook, tagsOf } from "./types.js";

/** A value given on the command line or by a program. */
export type ParameterValue =
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** A declaration of the parameters cell. */
interface Parameter {
  readonly name: string;
  readonly keyword: string;
  /** Its type annotation as written, with the colon, or nothing. */
  readonly annotation: string;
  /** What the value must be, read off the default and the annotation; undefined when they do not tell. */
  readonly type: "number" | "string" | "boolean" | undefined;
}

const injectedTag = "injected-parameters";

/**
 * The notebook with a cell after the parameters cell that gives parameters other values. A cell injected before
 * is replaced.
 *
 * @param given Values by name; a text is read as the type of the parameter's default: `"7"` is the number 7 for
 *   `const seed = 1`.
 * @throws AssayError INVALID_ARGUMENT for an unknown name (the known ones are listed), a value of another type,
 *   or a notebook without parameters.
 */
export function injectParameters(
  notebook: Notebook,
  given: Readonly<Record<string, ParameterValue>>,
): Notebook {
  const cells = notebook.cells.filter((cell) => !tagsOf(cell).includes(injectedTag));
  if (Object.keys(given).length === 0) return { ...notebook, cells };
  const index = cells.findIndex((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
  if (index < 0) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `the notebook takes no parameters: no code cell is tagged "parameters". Tag the cell that declares ${Object.keys(given).join(", ")}.`,
      { given },
    );
  }
  const known = parametersOf(cells[index]!.source);
  const lines = Object.entries(given).map(([name, value]) => {
    const parameter = known.find((one) => one.name === name);
    if (!parameter) {
      const names = known.map((one) => one.name).join(", ") || "none";
      throw new AssayError(
        "INVALID_ARGUMENT",
        `there is no parameter "${name}". Known parameters: ${names}.`,
        {
          name,
          known: known.map((one) => one.name),
        },
      );
    }
    return `${parameter.keyword} ${name}${parameter.annotation} = ${literal(convert(value, parameter))};`;
  });
  const source = ["// Parameters of this run", ...lines].join("\n");
  const injected: CodeCell = {
    id: createHash("sha256").update(`${cells[index]!.id}\0${source}`).digest("hex").slice(0, 8),
    cell_type: "code",
    metadata: { tags: [injectedTag] },
    source,
    execution_count: null,
    outputs: [],
  };
  return { ...notebook, cells: [...cells.slice(0, index + 1), injected, ...cells.slice(index + 1)] };
}

/** Reads the `const`, `let` and `var` declarations of a cell. */
function parametersOf(source: string): Parameter[] {
  const program = parse(source);
  return program.body.flatMap((statement) => {
    if (statement.type !== "VariableDeclaration") return [];
    return statement.declarations.flatMap(({ id, init }): Parameter[] => {
      if (id.type !== "Identifier") return [];
      const { typeAnnotation } = id;
      const annotation = typeAnnotation ? source.slice(typeAnnotation.start, typeAnnotation.end) : "";
      const type = typeOf(annotation.slice(1).trim(), init && source.slice(init.start, init.end));
      return [{ name: id.name, keyword: statement.kind, annotation, type }];
    });
  });
}

function parse(source: string): ReturnType<typeof parseSource>["result"]["program"] {
  try {
    return parseSource(source, "parameters").result.program;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AssayError(
      "INVALID_ARGUMENT",
      `the parameters cell cannot be read: ${why}`,
      {},
      { cause: error },
    );
  }
}

function typeOf(annotation: string, init: string | null): Parameter["type"] {
  if (annotation === "number" || annotation === "string" || annotation === "boolean") return annotation;
  if (/^(["'][^"']*["']\s*\|?\s*)+$/.test(annotation)) return "string";
  if (annotation !== "" || !init) return undefined;
  if (/^["'`]/.test(init)) return "string";
  if (/^(true|false)$/.test(init)) return "boolean";
  return /^-?[\d_.]+(e[+-]?\d+)?$/i.test(init) ? "number" : undefined;
}

/** The value as the parameter's type; texts from the command line are read as JSON where that fits. */
function convert(value: ParameterValue, { name, type }: Parameter): ParameterValue {
  if (type === "string") return typeof value === "string" ? value : refuse(name, type, value);
  const parsed = typeof value === "string" ? tryJson(value) : value;
  if (type === undefined || typeof parsed === type) return parsed;
  return refuse(name, type, value);
}

function refuse(name: string, type: string, value: ParameterValue): never {
  throw new AssayError(
    "INVALID_ARGUMENT",
    `the parameter "${name}" is a ${type}, but ${JSON.stringify(value)} was given.`,
    { name, type, value },
  );
}

function tryJson(text: string): ParameterValue {
  try {
    return JSON.parse(text) as ParameterValue;
  } catch {
    return text;
  }
}

/** JSON is TypeScript, but for two line separators that may not stand in it unescaped in older readers. */
const literal = (value: ParameterValue): string =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);

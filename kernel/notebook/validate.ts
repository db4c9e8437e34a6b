/**
 * The rules of nbformat's JSON schema 4.5, checked one by one so that the first broken one can be named with its
 * cell and field. The tests hold them against the published schema.
 */
import { AssayError } from "../../lib/errors.js";
import { isJsonMime } from "./types.js";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, where: string) => void;

/**
 * Checks a parsed notebook file; texts may still be lists of lines.
 *
 * @throws AssayError INVALID_NOTEBOOK that names the first wrong field, e.g. `cell 3 ("a1b2"), outputs[0].data`.
 */
export function validate(value: unknown): void {
  const notebook = fields(value, "the notebook", {
    nbformat: oneOf(4),
    nbformat_minor: integerFrom(5),
    metadata: notebookMetadata,
    cells: list(() => undefined),
  });
  for (const [i, cell] of (notebook["cells"] as unknown[]).entries()) checkCell(cell, i);
}

function checkCell(value: unknown, index: number): void {
  const type = (value as Fields | null)?.["cell_type"];
  const id = (value as Fields | null)?.["id"];
  const where = `cell ${index + 1}${typeof id === "string" ? ` ("${id.slice(0, 64)}")` : ""}`;
  const common = { id: matching(/^[a-zA-Z0-9-_]{1,64}$/, "1 to 64 letters, digits, - or _"), source: text };
  if (type === "code") {
    fields(value, where, {
      ...common,
      cell_type: oneOf("code"),
      metadata: codeMetadata,
      outputs: list(checkOutput),
      execution_count: count,
    });
  } else {
    const required = { ...common, cell_type: oneOf("markdown", "raw", "code"), metadata: textMetadata(type) };
    fields(value, where, required, { attachments: record(mimeData) });
  }
}

const checkOutput: Check = (value, where) => {
  switch ((value as Fields | null)?.["output_type"]) {
    case "stream":
      fields(value, where, { output_type: string, name: string, text });
      break;
    case "display_data":
      fields(value, where, { output_type: string, data: mimeData, metadata: object });
      break;
    case "execute_result":
      fields(value, where, { output_type: string, data: mimeData, metadata: object, execution_count: count });
      break;
    case "error":
      fields(value, where, { output_type: string, ename: string, evalue: string, traceback: list(string) });
      break;
    default:
      object(value, where);
      oneOf(
        "stream",
        "display_data",
        "execute_result",
        "error",
      )((value as Fields)["output_type"], `${where}.output_type`);
  }
};

const notebookMetadata: Check = (value, where) =>
  open(value, where, {
    kernelspec: (spec, at) => {
      open(spec, at, {});
      for (const name of ["name", "display_name"]) string((spec as Fields)[name], `${at}.${name}`);
    },
    language_info: (info, at) => {
      open(info, at, {
        file_extension: string,
        mimetype: string,
        pygments_lexer: string,
        codemirror_mode: mode,
      });
      string((info as Fields)["name"], `${at}.name`);
    },
    orig_nbformat: integerFrom(1),
    title: string,
    authors: list(() => undefined),
  });

const mode: Check = (value, where) => {
  if (typeof value !== "string") object(value, where);
};

const cellName: Check = (value, where) => matching(/^.+$/, "a non-empty text")(value, where);

const tags: Check = (value, where) => {
  list(matching(/^[^,]+$/, "a non-empty text without comma"))(value, where);
  const seen = value as string[];
  if (new Set(seen).size < seen.length) fail(where, "tags that differ from one another", value);
};

const codeMetadata: Check = (value, where) =>
  open(value, where, {
    jupyter: object,
    execution: record(string),
    collapsed: oneOf(true, false),
    scrolled: oneOf(true, false, "auto"),
    name: cellName,
    tags,
  });

const textMetadata =
  (type: unknown): Check =>
  (value, where) =>
    open(value, where, { jupyter: object, name: cellName, tags, ...(type === "raw" && { format: string }) });

const string: Check = (value, where) => {
  if (typeof value !== "string") fail(where, "a text", value);
};

const text: Check = (value, where) => {
  if (typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string")))
    return;
  fail(where, "a text or a list of lines", value);
};

const object: Check = (value, where) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(where, "an object", value);
};

const count: Check = (value, where) => {
  if (value !== null && !(Number.isInteger(value) && (value as number) >= 0))
    fail(where, "a count or null", value);
};

const integerFrom =
  (least: number): Check =>
  (value, where) => {
    if (!Number.isInteger(value) || (value as number) < least)
      fail(where, `an integer of at least ${least}`, value);
  };

const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value, where) => {
    if (!allowed.includes(value)) fail(where, allowed.map((one) => JSON.stringify(one)).join(" or "), value);
  };

const matching =
  (pattern: RegExp, meaning: string): Check =>
  (value, where) => {
    if (typeof value !== "string" || !pattern.test(value)) fail(where, meaning, value);
  };

const list =
  (item: Check): Check =>
  (value, where) => {
    if (!Array.isArray(value)) return fail(where, "a list", value);
    for (const [i, one] of value.entries()) item(one, `${where}[${i}]`);
  };

const record =
  (member: Check): Check =>
  (value, where) => {
    object(value, where);
    for (const [name, one] of Object.entries(value as Fields)) member(one, `${where}["${name}"]`);
  };

const mimeData: Check = (value, where) => {
  object(value, where);
  for (const [mime, content] of Object.entries(value as Fields)) {
    if (!isJsonMime(mime)) text(content, `${where}["${mime}"]`);
  }
};

/** An object that may have other members; the named ones are checked where present. */
function open(value: unknown, where: string, optional: Readonly<Record<string, Check>>): void {
  object(value, where);
  for (const [name, check] of Object.entries(optional)) {
    if (Object.hasOwn(value as Fields, name)) check((value as Fields)[name], `${where}.${name}`);
  }
}

/** An object with exactly these members. */
function fields(
  value: unknown,
  where: string,
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Fields {
  object(value, where);
  const members = value as Fields;
  for (const [name, check] of Object.entries(required)) {
    if (!Object.hasOwn(members, name)) fail(`${where}, ${name}`, "to be there", undefined);
    check(members[name], `${where}, ${name}`);
  }
  for (const [name, member] of Object.entries(members)) {
    if (Object.hasOwn(required, name)) continue;
    if (!Object.hasOwn(optional, name)) fail(`${where}, ${name}`, "no such field", member);
    optional[name]!(member, `${where}, ${name}`);
  }
  return members;
}

function fail(where: string, expected: string, value: unknown): never {
  const got = value === undefined ? "nothing" : (JSON.stringify(value)?.slice(0, 80) ?? String(value));
  throw new AssayError(
    "INVALID_NOTEBOOK",
    `not a valid notebook: ${where}: expected ${expected}, got ${got}.`,
    {
      where,
      expected,
    },
  );
}

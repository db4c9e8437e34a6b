/** The user's tsconfig.json: found, read with its comments and `extends`, reduced to what the kernel honours. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { parseSync } from "oxc-parser";
import type { Node } from "./compile/syntax-tree.js";
import type { SyntaxOptions } from "./types.js";

export interface ProjectSettings {
  /** The file itself, or null when there is none above the folder. */
  readonly file: string | null;
  /** Aliases of imports: pattern with at most one `*`, to absolute candidates. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
  readonly syntax: SyntaxOptions;
  /** Names of the compiler options that the user set. */
  readonly chosen: ReadonlySet<string>;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const deepestExtends = 16;

/** Reads the tsconfig.json that governs a folder. A file that cannot be read counts as empty. */
export function readProjectSettings(folder: string): ProjectSettings {
  const file = findConfig(resolve(folder));
  const options = file === null ? {} : compilerOptionsOf(file, deepestExtends);
  const text = (key: string): string | undefined =>
    typeof options[key] === "string" ? (options[key] as string) : undefined;
  const jsx = text("jsx");
  const importSource = text("jsxImportSource");
  const factory = text("jsxFactory");
  const fragment = text("jsxFragmentFactory");
  return {
    file,
    chosen: new Set(Object.keys(options)),
    paths: (options["paths"] ?? {}) as Readonly<Record<string, readonly string[]>>,
    syntax: {
      ...(jsx?.startsWith("react-jsx") ? { jsx: "automatic" as const } : {}),
      ...(importSource ? { jsxImportSource: importSource } : {}),
      ...(factory ? { jsxFactory: factory } : {}),
      ...(fragment ? { jsxFragmentFactory: fragment } : {}),
      ...(options["experimentalDecorators"] === true ? { experimentalDecorators: true } : {}),
    },
  };
}

function findConfig(folder: string): string | null {
  const file = join(folder, "tsconfig.json");
  if (existsSync(file)) return file;
  const parent = dirname(folder);
  return parent === folder ? null : findConfig(parent);
}

/** Compiler options with those of extended files; `paths` made absolute. */
function compilerOptionsOf(file: string, depth: number): JsonObject {
  const config = readJson(file);
  if (config === null || depth === 0) return {};
  const bases = [config["extends"] ?? []].flat().filter((base) => typeof base === "string");
  const inherited = bases.map((base) => {
    const found = resolveBase(file, base);
    return found === null ? {} : compilerOptionsOf(found, depth - 1);
  });
  const own = config["compilerOptions"];
  const options: JsonObject = isObject(own) ? own : {};
  const paths = options["paths"];
  if (!isObject(paths)) return Object.assign({}, ...inherited, options);
  const base = resolve(dirname(file), typeof options["baseUrl"] === "string" ? options["baseUrl"] : ".");
  const absolute = Object.entries(paths).map(([pattern, targets]) => [
    pattern,
    [targets].flat().flatMap((target) => (typeof target === "string" ? [resolve(base, target)] : [])),
  ]);
  return Object.assign({}, ...inherited, options, { paths: Object.fromEntries(absolute) });
}

function resolveBase(file: string, base: string): string | null {
  if (base.startsWith(".") || isAbsolute(base)) {
    const path = resolve(dirname(file), base);
    return [path, `${path}.json`].find((candidate) => existsSync(candidate)) ?? null;
  }
  const require = createRequire(file);
  for (const candidate of [base, `${base}.json`, `${base}/tsconfig.json`]) {
    try {
      return require.resolve(candidate);
    } catch {
      // The next spelling may be the one that the package has.
    }
  }
  return null;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** JSON with comments and trailing commas is what JavaScript's own grammar takes as an object. */
function readJson(file: string): JsonObject | null {
  try {
    const { program, errors } = parseSync("config.js", `(${readFileSync(file, "utf8")}\n)`, { lang: "js" });
    const statement = program.body[0];
    if (errors.length > 0 || statement?.type !== "ExpressionStatement") return null;
    const value = literalValue(statement.expression);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function literalValue(node: Node): Json {
  switch (node.type) {
    case "ParenthesizedExpression":
      return literalValue(node.expression);
    case "Literal":
      return typeof node.value === "bigint" || node.value instanceof RegExp ? null : node.value;
    case "ArrayExpression":
      return node.elements.map((element) => (element ? literalValue(element) : null));
    case "ObjectExpression":
      return Object.fromEntries(
        node.properties.flatMap((property) =>
          property.type === "Property" && property.key.type === "Literal"
            ? [[String(property.key.value), literalValue(property.value)]]
            : [],
        ),
      );
    default:
      return null;
  }
}

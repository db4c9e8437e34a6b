import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Options, transformSync } from "@swc/core";
import fc from "fast-check";
import { applyErasures, compileCell } from "../../../../kernel/language/compile/compile.js";
import { parseSource } from "../../../../kernel/language/compile/parse.js";
import { survey } from "../../../../kernel/language/compile/survey.js";
import { createScript } from "../../../../kernel/language/script.js";
import { packageRoot } from "../../../support/paths.js";

/** Sources of this package: a few hundred files of everyday TypeScript. */
const files = ["lib", "kernel"].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.includes("node_modules") && !file.includes("fixtures"))
    .map((file) => join(folder, file)),
);
const textOf = (file: string): string => readFileSync(join(packageRoot, file), "utf8");

function printed(source: string, syntax: "typescript" | "ecmascript"): string {
  const options: Options = {
    configFile: false,
    swcrc: false,
    isModule: true,
    minify: true,
    jsc: { target: "es2022", parser: { syntax }, transform: { verbatimModuleSyntax: true } },
  };
  return transformSync(source, options).code;
}

/** Imports of types are the rewriter's business, and a blank leaves empty statements. */
const withoutImports = (code: string): string =>
  code
    .replace(/(?:import|export)[^;]*?from"[^"]*";|import"[^"]*";|export\{[^}]*\};/g, "")
    .replace(/[;{}]/g, "");
const withoutTypeImports = (code: string): string =>
  code
    .replace(/^(?:import|export) type [^;"]*"[^"]*";?/gm, "")
    .replace(/^(?:import|export) (?:\w+, )?\{[^}]*\}/gm, (names) => names.replace(/\btype (?=\w)/g, ""));

describe("blanking types out", () => {
  it("leaves the JavaScript that swc makes of the same source, with every line where it was", () => {
    let compared = 0;
    for (const file of files) {
      const source = textOf(file);
      const found = survey(source, parseSource(source, file).result.program);
      if (found.needsTranspiler) continue;
      const erased = applyErasures(source, found.erasures);
      assert.equal(erased.length, source.length, file);
      const ours = withoutImports(printed(withoutTypeImports(erased), "ecmascript"));
      assert.equal(ours, withoutImports(printed(source, "typescript")), file);
      compared++;
    }
    assert.ok(compared > 100, `${compared} files compared`);
  });
});

describe("compiling damaged cells", () => {
  it("gives a script that V8 takes, or a syntax error with its place", () => {
    const pieces = files
      .filter((file) => file.startsWith("kernel/language"))
      .flatMap((file) => textOf(file).split(/\n(?=export|function|const|\/\*\*)/));
    const piece = fc.constantFrom(...pieces.filter((text) => text.length < 600));
    const cut = fc.nat(600);
    const token = fc.constantFrom(
      "{",
      ")",
      "`",
      "await ",
      "=>",
      "export ",
      "let ",
      "class ",
      ": T",
      "as X",
      "!",
      "<b>",
      "enum E {",
      "\n",
      "import x from 'y'\n",
      "using ",
      "@d ",
      "/*",
      "const process = ",
    );
    const damaged = fc
      .tuple(piece, piece, cut, cut, token)
      .map(
        ([a, b, from, to, inserted]) =>
          `${a.slice(0, from)}${inserted}${a.slice(from)}\n${b.slice(Math.min(from, to), Math.max(from, to))}`,
      );
    let compiled = 0;
    fc.assert(
      fc.property(damaged, (source) => {
        try {
          createScript(compileCell(source, { fileName: "[1]" }), source, "[1]");
          compiled++;
        } catch (error) {
          assert.ok(error instanceof SyntaxError && "excerpt" in error, `${error}`);
        }
      }),
      { numRuns: 1500, seed: 3 },
    );
    assert.ok(compiled > 100, `${compiled} compiled`);
  });
});

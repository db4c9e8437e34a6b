import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { CellProcess } from "../cell-process.js";

/** Programs over a few names: random statements, each valid wherever it stands. */
const name = fc.constantFrom("a", "b", "c");
const literal = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map(String),
  fc.constantFrom('"s"', "`t`", "null", "[1, 2]", "{ x: 1 }"),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    literal.map((text) => `(${text})`),
    name,
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "===", "??", "&&", ","), tie("expression"))
      .map(([l, o, r]) => `(${l} ${o} ${r})`),
    fc.tuple(name, tie("expression")).map(([n, e]) => `((${n}) => ${e})(${n})`),
    tie("expression").map((e) => `\`<\${String(${e})}>\``),
    fc
      .tuple(tie("expression"), tie("expression"), tie("expression"))
      .map(([t, x, y]) => `(${t} ? ${x} : ${y})`),
    tie("expression").map((e) => `(${e} as any)`),
    name.map((n) => `typeof ${n}`),
    tie("expression")
      .map((e) => `{ value: ${e} }.value`)
      .map((e) => `(${e})`),
  ),
}));
const { statement } = fc.letrec<{ statement: string }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(name, expression).map(([n, e]) => `${n} = ${e}`),
    fc.tuple(name, expression).map(([n, e]) => `log.push("${n}", ${e})`),
    fc.tuple(expression, tie("statement")).map(([t, s]) => `if (${t}) { ${s} }`),
    fc.tuple(name, tie("statement")).map(([n, s]) => `for (let ${n} of [0, "i", 2]) { ${s} }`),
    fc.tuple(name, expression, tie("statement")).map(([n, e, s]) => `{ let ${n} = ${e}\n${s} }`),
    fc
      .tuple(name, expression)
      .map(([n, e]) => `[${n}] = [${e}]`)
      .map((s) => `;${s}`),
    fc.tuple(name, name).map(([m, n]) => `;({ x: ${m} = 5, ...${n} } = { x: undefined, y: 1 } as any)`),
    fc
      .tuple(name, tie("statement"))
      .map(([n, s]) => `try { ${s}\nthrow ${n} } catch (${n}) { log.push(String(${n})) }`),
    fc
      .tuple(name, expression)
      .map(([n, e]) => `(function ${n}(this: unknown) { log.push(typeof ${n}, ${e}) })()`)
      .map((s) => `;${s}`),
    name.map((n) => `;(() => { var ${n} = 1; log.push(${n}) })()`),
  ),
}));
/** Three declarations, in different forms (none reads a name before it has a value: cells differ there), and statements between and after them. */
const program = fc
  .tuple(
    fc.array(expression, { minLength: 3, maxLength: 3 }),
    fc.array(statement, { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 0, max: 5 }),
    fc.constantFrom("\n", ";\n", "; "),
  )
  .map(([[x, y, z], statements, form, end]) => {
    const declarations = [
      [`let a: any = 1`, `let { b = ${y!.replace(/\b[abc]\b/g, "3")} } = {} as any, [c]: any[] = [3]`],
      [`var a: any = ${z!.replace(/\b[abc]\b/g, "1")}`, `let b: any, c: any`],
      [`let [a, ...b] = [1, 2, 3] as any[]`, `function c(x?: number): any { return x }`],
      [
        `class C<T> { v: T | number = 1; constructor(public w?: T) {} }`,
        `let a: any = new C().v, b: any = C.name, c: any`,
      ],
      [`enum E { x = 1, y }`, `var { x: a, y: b }: any = E, c: any = (${x!.replace(/\b[abc]\b/g, "2")})`],
      [`let a: any = late(2), b: any = [a], c: any`, `function late(n: number) { return n * 2 }`],
    ][form]!;
    return `const log: unknown[] = []${end}${[...declarations, ...statements].join(end)}\n`;
  });

/** The text of a function is laid out differently: only that it is one counts. */
const shownAs =
  "JSON.stringify([log, a, b, c], (key, value) => typeof value === 'function' ? 'function ' + value.name : typeof value === 'string' ? value.replace(/(function|class) [A-Za-z][^]*/, '$1') : value)";

describe("the rewriting of a cell", () => {
  let cells: CellProcess;
  let folder: string;
  before(() => {
    cells = new CellProcess();
    folder = mkdtempSync(join(tmpdir(), "assay-programs-"));
  });
  after(() => {
    cells.dispose();
    rmSync(folder, { recursive: true });
  });

  it("never changes what a program computes, compared with the same program as a module of Node", async () => {
    const programs = fc.sample(program, { numRuns: 200, seed: 11 });
    const wanted = runAsModules(programs, folder);
    const found: string[] = [];
    for (const source of programs) {
      const { shown, stack } = await cells.run([`${source}\n;${shownAs}`]);
      found.push(stack === undefined ? shown : `!${shown.split(":")[0]}`);
    }
    for (const [index, source] of programs.entries())
      assert.equal(found[index], wanted[index], `cell against module, of\n${source}`);
    assert.ok(found.filter((shown) => !shown.startsWith("!")).length > 100, "most programs run to their end");
  });
});

/** What Node computes when TypeScript's own rules for modules apply: the independent reference. */
function runAsModules(programs: readonly string[], folder: string): string[] {
  const runner = `
    import { transformSync } from ${JSON.stringify(import.meta.resolve("@swc/core"))};
    import { readFileSync, writeFileSync } from "node:fs";
    import { inspect } from "node:util";
    const shown = [];
    for (const [index, source] of JSON.parse(readFileSync("programs.json", "utf8")).entries()) {
      try {
        const { code } = transformSync(source + "\\nexport const shown = ${shownAs};", {
          configFile: false, swcrc: false, isModule: true,
          jsc: { target: "es2022", parser: { syntax: "typescript" }, transform: { verbatimModuleSyntax: true } },
        });
        writeFileSync(index + ".mjs", code);
        shown.push(inspect((await import("./" + index + ".mjs")).shown));
      } catch (error) {
        shown.push(error.code === "GenericFailure" ? "!SyntaxError" : "!" + error.name);
      }
    }
    process.stdout.write(JSON.stringify(shown));
  `;
  writeFileSync(join(folder, "programs.json"), JSON.stringify(programs));
  writeFileSync(join(folder, "run.mjs"), runner);
  const output = execFileSync(process.execPath, ["run.mjs"], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output) as string[];
}

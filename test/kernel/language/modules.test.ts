import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CellProcess } from "./cell-process.js";

describe("modules that cells import", () => {
  let folder: string;
  let cells: CellProcess;
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  /** Runs cells in one session of the folder and gives what the last shows. */
  const shown = async (...sources: readonly string[]): Promise<string> =>
    (await cells.run(sources, folder)).shown;

  before(() => {
    cells = new CellProcess();
    folder = mkdtempSync(join(tmpdir(), "assay-modules-"));
  });
  after(() => {
    cells.dispose();
    rmSync(folder, { recursive: true });
  });

  it("are TypeScript with or without extension, or under the name of their JavaScript", async () => {
    write(
      "plain.ts",
      "export interface T { a: number }\nexport enum E { x = 7 }\nexport const f = (t: T): number => t.a",
    );
    for (const path of ["./plain", "./plain.ts", "./plain.js"])
      assert.equal(
        await shown(`import { f, E, T } from "${path}"; const t: T = { a: 1 }`, "[f(t), E.x]"),
        "[ 1, 7 ]",
      );
  });

  it("are fresh after an edit, and so is what imports them", async () => {
    write("deep/leaf.ts", "export const value: number = 1");
    write("deep/index.ts", "export * from './leaf'; export const made = {}");
    write("other.ts", "export const made = {}");
    const use = 'import { value } from "./deep"; import { made } from "./other"';
    const edit = (text: string) =>
      `require('node:fs').writeFileSync(${JSON.stringify(join(folder, "deep/leaf.ts"))}, ${JSON.stringify(text)})`;
    const load =
      "import { createRequire } from 'node:module'; globalThis.require = createRequire(import.meta.url)";
    assert.equal(
      await shown(
        load,
        use,
        "globalThis.first = made",
        edit("export const value: number = 2"),
        use,
        "[value, made === first]",
      ),
      "[ 2, true ]",
    );
  });

  it("keep their instance when nothing changed", async () => {
    write("state.ts", "export const state = { count: 0 }");
    const use = "import { state } from './state'; state.count++";
    assert.equal(await shown(use, use, "(await import('./state.js')).state.count"), "2");
  });

  it("may be circular, await, and use import.meta", async () => {
    write("a.ts", "import { b } from './b'; export const a = 1; export const sum = (): number => a + b()");
    write("b.ts", "import { a } from './a'; export const b = (): number => a + 1");
    write(
      "meta.mts",
      "export const found = await import('./a'); export const { url, dirname } = import.meta",
    );
    assert.equal(await shown("import { sum } from './a'; sum()"), "3");
    assert.equal(
      await shown("import { found, dirname } from './meta.mjs'; [found.a, dirname === import.meta.dirname]"),
      "[ 1, true ]",
    );
  });

  it("leave out imports and exports that are types", async () => {
    write("types.ts", "export interface Only { a: 1 }\nexport type Alias = string");
    write(
      "user.ts",
      "import { Only, Alias } from './types'; const x: Only = { a: 1 }; const s: Alias = 'y'; export { x, s, Only }",
    );
    assert.equal(await shown("import { x, s, Only } from './user'; [x.a, s]"), "[ 1, 'y' ]");
  });

  it("are JSON with or without the attribute, fresh after an edit", async () => {
    write("data.json", '{ "name": "n" }');
    assert.equal(
      await shown(
        "import d from './data.json' with { type: 'json' }; import { name } from './data.json'; [d.name, name]",
      ),
      "[ 'n', 'n' ]",
    );
    write("data.json", '{ "name": "m" }');
    assert.equal(await shown("import d from './data.json'; d.name"), "'m'");
  });

  it("are CommonJS, ESM-only packages, and packages with top-level await", async () => {
    write("common.cjs", "exports.one = 1; exports.two = () => 2");
    write(
      "node_modules/cjs/index.js",
      "module.exports = { late: 3 }; Object.assign(module.exports, { odd: 5 })",
    );
    write(
      "node_modules/esm/package.json",
      '{ "name": "esm", "type": "module", "exports": { "import": "./main.js" } }',
    );
    write("node_modules/esm/main.js", "export const tla = await Promise.resolve(4)");
    write("through.ts", "import { tla } from 'esm'; export { tla }");
    assert.equal(
      await shown("import c, { one, two } from './common.cjs'; [c.one, one, two()]"),
      "[ 1, 1, 2 ]",
    );
    assert.equal(await shown("import { odd } from 'cjs'; import { tla } from 'esm'; [odd, tla]"), "[ 5, 4 ]");
    assert.equal(await shown("import { tla } from './through'; tla"), "4");
  });

  it("follow the paths of tsconfig.json, with comments and extends", async () => {
    write(
      "base.json",
      '{ "compilerOptions": { "paths": { "@lib/*": ["./src/*"], "exact": ["./src/exact.ts"] } } }',
    );
    write(
      "tsconfig.json",
      '{ // comments\n "extends": "./base.json", "compilerOptions": { "strict": true, }, }',
    );
    write("src/deep/thing.ts", "import { e } from 'exact'; export const thing = e + 1");
    write("src/exact.ts", "export const e = 1");
    assert.equal(await shown("import { thing } from '@lib/deep/thing'; thing"), "2");
    rmSync(join(folder, "tsconfig.json"));
  });

  it("include this package and tslab in any folder", async () => {
    assert.equal(await shown("import { stats } from 'assay'; typeof stats"), "'object'");
    assert.equal(await shown("import { newDisplay } from 'tslab'; typeof newDisplay"), "'function'");
  });

  it("say what is missing or wrong, and where", async () => {
    assert.match(await shown("import x from './nowhere'"), /^Error: Cannot find module .*nowhere/);
    assert.match(
      await shown("import x from 'no-such-package'"),
      /^Error: Cannot find package 'no-such-package'/,
    );
    write("broken.ts", "export const a = 1\nconst b = \n");
    const { shown: message, stack } = await cells.run(["import './broken'"], folder);
    assert.equal(message, "SyntaxError: Unexpected end of input");
    assert.match(stack ?? "", /broken\.ts:3:1/);
  });

  it("show their own lines in stacks", async () => {
    write(
      "fails.ts",
      "interface A {\n  a: 1\n}\nenum E { x }\nexport function fail(a: A): never {\n  throw new Error('f') }",
    );
    const { mapped } = await cells.run(["import { fail } from './fails'; fail({ a: 1 })"], folder);
    assert.match(mapped ?? "", /^ {4}at (?:Module\.)?fail \(.*fails\.ts:6:9\)/);
    assert.match(mapped ?? "", /> 6 \| {3}throw new Error/);
  });

  it("compile JSX as tsconfig.json says, as cells do", async () => {
    write("tsconfig.json", '{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }');
    write("view.tsx", 'const h = (t: string) => "v" + t; export const view = <b/>');
    assert.equal(
      await shown("import { view } from './view'; const h = (t: string) => t; [view, <i/>]"),
      "[ 'vb', 'i' ]",
    );
    rmSync(join(folder, "tsconfig.json"));
  });

  it("can be imported again after they threw", async () => {
    write(
      "throws.ts",
      "globalThis.tries = (globalThis.tries ?? 0) + 1; if (globalThis.tries < 2) throw new Error('first'); export const ok = globalThis.tries",
    );
    assert.equal(await shown("import { ok } from './throws'", "import { ok } from './throws'; ok"), "2");
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLanguageService } from "../../../kernel/language/service.js";
import type { LanguageService } from "../../../kernel/language/types.js";

describe("the language service, in a folder without packages", () => {
  let folder: string;
  let language: LanguageService;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-language-"));
    writeFileSync(
      join(folder, "local.ts"),
      "/** Doubles. */\nexport const twice = (n: number): number => 2 * n;\n",
    );
    language = startLanguageService({ folder, timeoutMs: 60_000 });
  });
  after(() => {
    language.dispose();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => language.reset());

  const errors = async (code: string): Promise<readonly string[]> =>
    (await language.check(code)).map(({ code: number, line, column }) => `${number} ${line}:${column}`);
  const names = async (code: string, cursor = [...code].length): Promise<readonly string[]> =>
    (await language.complete(code, cursor)).items.map(({ text }) => text);

  describe("check", () => {
    it("gives type errors at the user's places", async () => {
      const [error] = await language.check("const a = '🎉'\nconst b: string =\n  4");
      assert.deepEqual(error, {
        message: "Type 'number' is not assignable to type 'string'.",
        code: "TS2322",
        line: 2,
        column: 7,
        length: 1,
      });
    });

    it("knows what Node and the kernel give every cell", async () => {
      const code =
        "console.log(process.argv, Buffer.from('a'), new URL('a:b'), setTimeout, fetch, require('node:fs'), __dirname, import.meta.url)";
      assert.deepEqual(await errors(code), []);
      assert.deepEqual(await errors("const a: number = process.pid; const s: string = process.pid"), [
        "TS2322 1:38",
      ]);
    });

    it("knows the names, types and values of cells that ran", async () => {
      language.commit(
        "interface P { a: number }\nclass Box<T> { constructor(public v: T) {} }\nlet p: P = { a: 1 }, k = 1",
      );
      assert.deepEqual(await errors("const q: P = p; p = { a: 2 }; new Box(p).v.a.toFixed()"), []);
      assert.deepEqual(await errors("p.b; const b: Box<string> = new Box(1); p = 3"), [
        "TS2339 1:3",
        "TS2322 1:12",
        "TS2322 1:41",
      ]);
    });

    it("takes the newest declaration, and keeps what was computed from an older one", async () => {
      for (const cell of ["let a = 5", "let b = a", "const a = 'x'"]) language.commit(cell);
      assert.deepEqual(await errors("const n: number = b; const s: string = a"), []);
      assert.deepEqual(await errors("class a {}; enum b { x }; type P = a; new a(); b.x"), []);
    });

    it("takes declarations of names that the platform has", async () => {
      language.commit("const process = 5; class URL { only = 1 }");
      assert.deepEqual(await errors("const n: number = process; new URL().only"), []);
    });

    it("holds const of other cells", async () => {
      language.commit("const c = 3; let d = 3");
      const [error, ...rest] = await language.check("d = 4; c = 4");
      assert.match(error?.message ?? "", /'c' because it is a constant/);
      assert.deepEqual(rest, []);
    });

    it("lets functions name what a later cell will declare, and nothing else", async () => {
      assert.deepEqual(await errors("function f() { return later() }"), []);
      assert.deepEqual(await errors("later()"), ["TS2304 1:1"]);
    });

    it("takes top-level await, using, JSX and imports", async () => {
      assert.deepEqual(
        await errors(
          "const r = await (Promise.resolve(3)); r.toFixed(); for await (const s of [1]) s.toFixed(); using u = null",
        ),
        [],
      );
      language.commit("const React: any = 1; const el = <div>a</div>; function h() { return 1 }");
      assert.deepEqual(await errors("h().toFixed(); el"), []);
      assert.deepEqual(await errors("import { twice } from './local'; twice('a')"), ["TS2345 1:40"]);
    });

    it("lets parameters go without types, unless tsconfig.json asks for them", async () => {
      assert.deepEqual(await errors("function f(a) { return a }; let x: string = null"), ["TS2322 1:33"]);
      const strict = mkdtempSync(join(tmpdir(), "assay-strict-"));
      writeFileSync(join(strict, "tsconfig.json"), '{ "compilerOptions": { "strict": true, /* why */ } }');
      const service = startLanguageService({ folder: strict, timeoutMs: 60_000 });
      try {
        const [error] = await service.check("function f(a) { return a }");
        assert.equal(error?.code, "TS7006");
      } finally {
        service.dispose();
        rmSync(strict, { recursive: true });
      }
    });

    it("says nothing on a cell that does not parse", async () => assert.deepEqual(await errors("foo("), []));

    it("stays with one module per live cell however often cells run again", async () => {
      for (let run = 0; run < 100; run++)
        language.commit(`const again = ${run}; function use() { return again }`);
      assert.deepEqual(await errors("const n: string = use()"), ["TS2322 1:7"]);
    });
  });

  describe("complete", () => {
    it("offers members by type, with their kind", async () => {
      language.commit(
        "class Box { size = 1; /** Gets. */ get(): number { return 1 } }; const box = new Box()",
      );
      const { items } = await language.complete("box.", 4);
      assert.deepEqual(items, [
        { text: "get", type: "method" },
        { text: "size", type: "property" },
      ]);
    });

    it("counts code points, as Jupyter does", async () => {
      language.commit("const o = { abc: 1 }");
      const { start, end, items } = await language.complete("'🎉🎉'; o.ab", 10);
      assert.deepEqual([start, end, items], [8, 10, [{ text: "abc", type: "property" }]]);
    });

    it("offers the library's own functions", async () => {
      assert.ok((await names('import { stats } from "assay"; stats.')).includes("wilson"));
    });

    it("offers names in scope, of other cells, of the platform, of the session and of the language", async () => {
      language.commit("function cello() {}; interface Cells {}");
      const { items } = await language.complete("const central = 1; ce", 21, ["ceRuntime"]);
      assert.deepEqual(items.map(({ text }) => text).sort(), ["Cells", "ceRuntime", "cello", "central"]);
      assert.ok((await names("consol")).includes("console"));
      assert.ok((await names("aw")).includes("await"));
    });

    it("completes modules, options and broken code", async () => {
      assert.ok((await names("import fs from 'node:f")).includes("node:fs/promises"));
      assert.ok((await names("import fs from 'node:fs/p")).includes("promises"));
      assert.deepEqual(await names("import x from './lo"), ["local"]);
      assert.deepEqual(await names("const o: { shrinkage: 'ledoit' | 'none' } = { shr"), ["shrinkage"]);
      assert.deepEqual(await names("import { tw } from './local'", 11), ["twice"]);
      language.commit("const o = { abc: 1 }");
      assert.deepEqual(await names("if (o) { o."), ["abc"]);
    });
  });

  describe("inspect", () => {
    const plain = async (code: string, cursor: number, detail: 0 | 1 = 0): Promise<string | undefined> =>
      (await language.inspect(code, cursor, detail))?.data["text/plain"];

    it("shows signature, documentation and, on request, the source", async () => {
      const source =
        "/** Adds.\n * @param a first */\nfunction add(a: number, b = 2): number { return a + b }";
      language.commit(source);
      const brief = "function add(a: number, b?: number): number\n\nAdds.\n\n@param a first";
      assert.equal(await plain("add(1)", 1), brief);
      assert.equal(await plain("x = add(1, ", 11), brief);
      assert.equal(await plain("add", 3, 1), `${brief}\n\nSource:\n\n${source}`);
      const { data } = (await language.inspect("add", 3, 0))!;
      assert.match(data["text/markdown"]!, /^```typescript\nfunction add/);
    });

    it("tells let from const and knows interfaces, imports and natives", async () => {
      language.commit("let l = 1; const c = 'x'; interface P { a: number }");
      assert.equal(await plain("l", 1), "let l: number");
      assert.equal(await plain("c", 0), 'const c: "x"');
      assert.equal(
        await plain("let p: P", 8, 1),
        "interface P\n\nMembers: a\n\nSource:\n\ninterface P { a: number }",
      );
      assert.match(
        (await plain("import { twice } from './local'; twice", 38))!,
        /^const twice: \(n: number\) => number\n\nDoubles/,
      );
      assert.match((await plain("console.log(", 12))!, /^method log\(message\?: any/);
    });

    it("finds nothing in white space", async () => assert.equal(await language.inspect("   ", 1, 0), null));
  });

  it("answers isComplete", async () => {
    assert.deepEqual(await language.isComplete("foo("), { status: "incomplete", indent: "  " });
  });
});

describe("the language service's process", () => {
  it("is replaced when it does not answer in time, and callers get a fallback", async () => {
    const language = startLanguageService({ folder: tmpdir(), timeoutMs: 1 });
    try {
      assert.deepEqual(await language.complete("lo", 2, ["loss", "other"]), {
        start: 0,
        end: 2,
        items: [{ text: "loss", type: "instance" }],
      });
      assert.deepEqual(await language.isComplete("1"), { status: "unknown" });
      assert.deepEqual(await language.check("1"), []);
      assert.equal(await language.inspect("a", 0, 0), null);
    } finally {
      language.dispose();
    }
  });

  it("answers nothing after dispose, which may be called twice", async () => {
    const language = startLanguageService({ folder: tmpdir() });
    language.dispose();
    language.dispose();
    assert.deepEqual(await language.isComplete("1"), { status: "unknown" });
  });
});

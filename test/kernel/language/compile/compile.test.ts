import assert from "node:assert/strict";
import { compileCell } from "../../../../kernel/language/compile/compile.js";
import { createScript } from "../../../../kernel/language/script.js";
import { CellProcess } from "../cell-process.js";

/** Title, the cells in order, and what the last one shows. */
const cases: readonly (readonly [string, readonly string[], string])[] = [
  ["shows the last expression", ["const x: number = 1; x + 1"], "2"],
  ["shows nothing after a declaration", ["let x = 1"], "undefined"],
  [
    "shows an expression before types, functions and empty statements",
    ["6 * 7;; interface A {}; function f() {}"],
    "42",
  ],
  ["shows null", ["type X = 1\ndeclare const zz: number\nnull"], "null"],
  ["shows the value of an assignment", ["let x", "x = 3"], "3"],
  [
    "lets functions of earlier cells see later writes and names",
    ["let x = 5; function g() { return x + later() }", "function later() { return 10 }; x = 7", "g()"],
    "17",
  ],
  [
    "declares again what was const, class, function, enum and import",
    [
      "import fs from 'node:fs'; const a = 1; class B {}; enum C { x }",
      "const fs = 2, C = 3; class a {}; function B() { return 4 }",
      "[fs, C, a.name, B()]",
    ],
    "[ 2, 3, 'a', 4 ]",
  ],
  [
    "keeps the assignments of a cell that throws",
    ["let x = 1; x = 2; throw new Error('no'); x = 3", "x"],
    "2",
  ],
  [
    "destructures with nesting, defaults and rest",
    ["const { a, b: [c, ...d], q = 4, ...e }: any = { a: 1, b: [2, 3], z: 9 };\n[a, c, d, q, e]"],
    "[ 1, 2, [ 3 ], 4, { z: 9 } ]",
  ],
  [
    "runs interfaces, enums, generic classes and parameter properties",
    [
      "interface P { a: number }\nenum Color { Red, Green = 'g' }\nclass Box<T> { constructor(public v: T) {} get(): T { return this.v } }\nconst b: Box<number> = new Box<number>(3);\n[b.get(), Color.Red, Color.Green, Box.name, Color[0]]",
    ],
    "[ 3, 0, 'g', 'Box', 'Red' ]",
  ],
  [
    "runs namespaces",
    ["namespace N { export const a = 1; export namespace M { export const q = a + 1 } }", "N.M.q"],
    "2",
  ],
  [
    "adds a namespace to its class",
    ["class K {}; namespace K { export const a = 4 }; [K.a, K.name]"],
    "[ 4, 'K' ]",
  ],
  ["runs const enums", ["const enum E { A = 5, B }\nE.B"], "6"],
  [
    "imports default, named, renamed, namespace and types",
    [
      "import fs, { readFileSync as r, type Stats } from 'node:fs'; import * as path from 'node:path'; import type { X } from 'nowhere'",
      "[typeof r, path.sep, fs.existsSync('/')]",
    ],
    "[ 'function', '/', true ]",
  ],
  ["imports JSON", ["import p from './package.json' with { type: 'json' }; p.name"], "'assay'"],
  ["leaves out an import that no value uses", ["import { Stats2 } from 'node:fs'; 1"], "1"],
  [
    "names a missing export",
    ["import { nope } from 'node:fs'; nope"],
    "SyntaxError: The requested module 'node:fs' does not provide an export named 'nope'",
  ],
  [
    "imports dynamically and knows import.meta",
    ["(await import('node:path')).basename(import.meta.dirname).length > 0"],
    "true",
  ],
  [
    "awaits at the top level",
    ["const v = await Promise.resolve(4); for await (const q of [1, 2]) { var last = q }", "[v, last]"],
    "[ 4, 2 ]",
  ],
  [
    "takes standard decorators, and keeps the class name",
    [
      "function dec(v: unknown, c: { name: string }) { log.push(c.name) }; const log: string[] = []\n@dec class A { static s = 1; @dec m() { return A.name } }\n[new A().m(), A.s, log]",
    ],
    "[ 'A', 1, [ 'm', 'A' ] ]",
  ],
  [
    "disposes of `using` resources when the cell ends",
    [
      "const log: string[] = []; function open(n: string) { return { n, [Symbol.dispose]() { log.push('close ' + n) } } }\nusing r = open('a'), s = open('b');\nlog.push('body ' + r.n)",
      "[log.join(), r.n]",
    ],
    "[ 'body a,close b,close a', 'a' ]",
  ],
  [
    "disposes of `await using`",
    ["let closed = false; await using r = { async [Symbol.asyncDispose]() { closed = true } }", "closed"],
    "true",
  ],
  [
    "compiles JSX to React.createElement",
    [
      "const React = { createElement: (t: any, p: any, ...c: any[]) => ({ t, p, c }) }; const Foo = () => 1",
      "(<Foo a={1}>x {2}</Foo>).c",
    ],
    "[ 'x ', 2 ]",
  ],
  [
    "lets a comment choose the JSX factory",
    ["/** @jsx h */ function h(...a: unknown[]) { return a.length }\n<b>1</b>"],
    "3",
  ],
  [
    "hoists functions that are used further up",
    ["main(); function main(this: void) { return other() } function other(): number { return 3 }", "main()"],
    "3",
  ],
  [
    "keeps a function's text, and lets one that calls itself be replaced",
    [
      "function f(n) { return n + 1 }; function fact(n: number): number { return n < 2 ? 1 : n * fact(n - 1) }; const old = fact",
      "function fact(n: number) { return 10 }; [String(f), fact.name, old.name, old(3)]",
    ],
    "[ 'function f(n) { return n + 1 }', 'fact', 'fact', 30 ]",
  ],
  [
    "shares `var` of loops and blocks",
    ["for (var i = 0, n: number = 3; i < n; i++) { if (i) var z = i }\nfor (var k of [7]) ;", "[i, z, k]"],
    "[ 3, 2, 7 ]",
  ],
  [
    "accepts export",
    [
      "export const q = 1; export default function foo() { return 5 } export { q as r }; export type T = 1; export * from 'node:path'; foo() + q",
    ],
    "6",
  ],
  [
    "accepts decorated exports",
    [
      "const d = () => {}; export @d class A {}; @d export class B {}; @d export default class C {}",
      "[A.name, B.name, C.name]",
    ],
    "[ 'A', 'B', 'C' ]",
  ],
  [
    "tells apart statements without semicolons",
    ["const v = { a: 1 } as const\n;[1].map((x) => x! + v.a satisfies number)"],
    "[ 2 ]",
  ],
  [
    "tells apart statements after a type",
    ["let u!: string | undefined\nu = 'x' as any as string\n(function () { return 1 })()"],
    "1",
  ],
  [
    "tells apart a pattern after a line without a semicolon",
    ["let a = 1\nlet [b] = [2]\nlet { c } = { c: 3 }\n;[a, b, c]"],
    "[ 1, 2, 3 ]",
  ],
  ["takes old casts", ["const n = <number>(<any>'1' as unknown); n"], "'1'"],
  ["takes generic arrows", ["const f = async <T,>(x: T): Promise<T> => x; await f(3)"], "3"],
  [
    "names functions and classes after their variable",
    ["const { x = () => 1 } = {} as any, y = class {}; [x.name, y.name]"],
    "[ 'x', 'y' ]",
  ],
  [
    "takes labels, generators and templates",
    [
      "label: for (const a of [1, 2]) for (;;) { continue label }\nfunction* gen() { yield 1; yield `2` }\n[...gen()]",
    ],
    "[ 1, '2' ]",
  ],
  [
    "erases members that are types",
    [
      "abstract class Q { abstract z(): void; private readonly w?: number = 2; declare y: string; static #p = 1; m?(): void; [k: string]: unknown; get g(): number { return this.w! } }\nclass W extends Q implements Object { override z(): void {} }\nObject.keys(new W()).join() + new W().g",
    ],
    "'w2'",
  ],
  [
    "erases overloads",
    [
      "function over(a: string): string; function over(a: number): number; function over(a: any) { return a }\nover(2)",
    ],
    "2",
  ],
  ["erases declare global", ["const mod = 1; declare global { interface Window { a: 1 } } mod"], "1"],
  [
    "keeps functions of blocks in their blocks",
    ["if (true) { function inner() { return 1 } } typeof inner"],
    "'undefined'",
  ],
  ["runs in strict mode", ["undeclared = 1"], "ReferenceError: undeclared is not defined"],
  [
    "holds const in its own cell",
    ["const x = 1\nx = 2"],
    "TypeError: Cannot assign to read only property 'x' of object '#<Object>'",
  ],
  [
    "keeps what cells declare under names of the platform",
    [
      "const crypto = 1, { performance = 2, ...Map } = {} as any; class Event { make() { return new Event() } }; function fetch() { return fetch.name }",
      "[crypto, performance, Map, Event.name, new Event().make() instanceof Event, fetch(), { crypto }.crypto]",
    ],
    "[ 1, 2, {}, 'Event', true, 'fetch', 1 ]",
  ],
  [
    "leaves the platform its own",
    [
      "let process = 5; import { sep as URL, posix as Set } from 'node:path'",
      "process++; [process, URL, typeof Set, typeof globalThis.process.pid, new globalThis.Set([1]).size]",
    ],
    "[ 6, '/', 'object', 'number', 1 ]",
  ],
  [
    "tells an inner name from the platform's",
    [
      "const performance = 1",
      "const f = (performance: number) => performance; const g = () => { let performance = 3; return { performance } }; for (const performance of [4]) ; try { throw 5 } catch (performance) { performance }; interface P { performance: string }; [f(2), g(), performance, ({ performance: 6 }).performance]",
    ],
    "[ 2, { performance: 3 }, 1, 6 ]",
  ],
  [
    "leaves types with names of the platform alone",
    ["interface Event { mine: 1 }; new Event('x').type"],
    "'x'",
  ],
];

const wrong: readonly (readonly [string, string, number, number, RegExp])[] = [
  ["a missing operand", "let a\nfoo +", 2, 6, /Unexpected end of input/],
  ["a name declared twice in one cell", "let a = 1; let a = 2", 1, 16, /`a` has already been declared/],
  ["return outside of a function", "return 1", 1, 1, /'return'/],
  ["an import inside of a function", "function f() {\n  import x from 'y' }", 2, 3, /top level/],
  ["a malformed regular expression", "let a: number\n1 + /{**}/", 2, 5, /Nothing to repeat/],
  ["a break without its label", "\n for (;;) { break foo }", 2, 19, /label/],
];

describe("a compiled cell", () => {
  let cells: CellProcess;
  before(() => (cells = new CellProcess()));
  after(() => cells.dispose());

  for (const [title, sources, shown] of cases) {
    it(title, async () => assert.equal((await cells.run(sources)).shown, shown));
  }

  it("lists the names it declares", () => {
    const { declared } = compileCell(
      "import d, { a as b, type T } from 'x'; let { c: [e] } = f; enum G {}; type H = 1",
      {
        fileName: "[1]",
      },
    );
    assert.deepEqual(declared, ["d", "b", "e", "G"]);
  });

  it("is synchronous unless it awaits outside of functions", () => {
    const isAsync = (source: string): boolean => compileCell(source, { fileName: "[1]" }).isAsync;
    assert.equal(isAsync("async function f() { await 1 }; const g = async () => await 2"), false);
    assert.equal(isAsync("if (a) { await b }"), true);
    assert.equal(isAsync("for await (const x of y) {}"), true);
  });

  for (const [title, source, line, column, message] of wrong) {
    it(`names the place of ${title}`, () => {
      assert.throws(() => createScript(compileCell(source, { fileName: "[1]" }), source, "[1]"), {
        name: "SyntaxError",
        line,
        column,
        message,
      });
    });
  }
});

import assert from "node:assert/strict";
import vm from "node:vm";
import { compileCell } from "../../../kernel/language/compile/compile.js";
import { StackMapper } from "../../../kernel/language/stack.js";

/** Runs cells that need no linking, and reads the stack of the first that throws. */
async function stackOf(...cells: readonly string[]) {
  const mapper = new StackMapper();
  for (const [index, source] of cells.entries()) {
    const fileName = `[${index + 1}]`;
    const cell = compileCell(source, { fileName });
    mapper.register(fileName, { source, map: cell.map });
    const names = Object.fromEntries(cell.declared.map((name) => [name, undefined]));
    Object.assign(globalThis, names, { __cell: { constant: () => {} } });
    try {
      await new vm.Script(cell.code, { filename: fileName }).runInThisContext();
    } catch (error) {
      return mapper.mapStack((error as Error).stack ?? "");
    } finally {
      if (index === cells.length - 1) Reflect.deleteProperty(globalThis, "__cell");
    }
  }
  throw new Error("no cell threw");
}

const places: readonly (readonly [string, string, readonly string[]])[] = [
  ["plain statements", "1\n\n  throw new Error('x')", ["[1]:3:9"]],
  ["the first line", "const first = 1; throw new Error('x')", ["[1]:1:24"]],
  [
    "types that were erased",
    "interface A {\n  a: number\n}\nfunction stackF(a: number): never { throw new Error('x') }\nstackF(1)",
    ["stackF [1]:4:43", "[1]:5:1"],
  ],
  [
    "a function that was moved up",
    "stackG()\n\nfunction stackG() {\n  throw new Error('x')\n}",
    ["stackG [1]:4:9", "[1]:1:1"],
  ],
  [
    "code that was transpiled",
    "enum StackE { A }\nnamespace StackN { export function f(): never {\n    throw new Error('x') } }\nStackN.f()",
    ["Object.f [1]:3:11", "[1]:4:8"],
  ],
  [
    "code after an await",
    "await 1\nasync function stackH() {\n  await 2\n  throw new Error('x') }\nawait stackH()",
    ["stackH [1]:4:9", "[1]:5:1"],
  ],
  ["characters outside of the basic plane", "const s = '🎉🎉'; throw new Error(s)", ["[1]:1:25"]],
  ["Windows line ends", "const w = 1\r\nthrow new Error('x')", ["[1]:2:7"]],
  ["a callback of a native", "[1].map(() => {\n  throw new Error('x') })", ["[1]:2:9", "[1]:1:5"]],
];

describe("a mapped stack", () => {
  for (const [title, source, expected] of places) {
    it(`has the user's lines and columns in ${title}`, async () => {
      const { frames } = await stackOf(source);
      const shown = frames
        .filter(({ file }) => file === "[1]")
        .map(({ name, file, line, column }) => `${name} ${file}:${line}:${column}`.trim());
      assert.deepEqual(shown, expected);
    });
  }

  it("goes across cells and shows the failing line with its neighbours", async () => {
    const { text, excerpt } = await stackOf("function stackK(x: any) {\n  return x.y.z\n}", "stackK({})");
    assert.match(text, /^ {4}at stackK \(\[1\]:2:14\)\n {4}at \[2\]:1:1/);
    assert.equal(
      excerpt,
      "  1 | function stackK(x: any) {\n> 2 |   return x.y.z\n    |              ^\n  3 | }",
    );
  });

  it("leaves out frames of Node", async () => {
    const { frames } = await stackOf("throw new Error('x')");
    assert.ok(frames.every(({ file }) => !file.startsWith("node:")));
  });
});

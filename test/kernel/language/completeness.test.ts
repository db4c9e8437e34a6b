import assert from "node:assert/strict";
import { isComplete } from "../../../kernel/language/completeness.js";

const complete = [
  "1 + 1",
  "",
  "// note",
  "if (x) {}",
  "foo()\n  .bar()",
  "`a`",
  "<div/>",
  "@dec class A {}",
  "await x",
  "type X = 1",
  "<number>x",
  "const f = <T,>(x: T) => x",
];
const incomplete = [
  "foo(",
  "1 +",
  "const x =",
  "if (a)",
  "@dec",
  "foo.",
  "`abc",
  "`abc ${1",
  "/* x",
  "<div>",
  "<div>\n  <b/>",
  "class A {",
  "x ? 1",
  "x ? 1 :",
  "async () =>",
  "import {a",
  "import a",
  "const x: Map<string,",
  "a ??",
  "a as",
  "for (const a of",
  "switch (a) { case 1:",
  "({ a: 1",
  "enum E {",
  "try {}",
  "do x()",
  "<T,>(x: T) =>",
  "`a` +\n// c\n",
  "function f() {\n  return `x${\n",
];
const invalid = [
  "a b",
  "}",
  "foo(}",
  "'abc",
  "let a; let a",
  "return 1",
  "else",
  "const 1x = 2",
  "/abc",
  "<div></b>",
];

describe("isComplete", () => {
  for (const source of complete)
    it(`runs ${JSON.stringify(source)}`, () => assert.equal(isComplete(source).status, "complete"));
  for (const source of incomplete)
    it(`waits for more after ${JSON.stringify(source)}`, () =>
      assert.equal(isComplete(source).status, "incomplete"));
  for (const source of invalid)
    it(`knows that nothing can follow ${JSON.stringify(source)}`, () =>
      assert.equal(isComplete(source).status, "invalid"));

  it("indents after an opening bracket and keeps the indentation otherwise", () => {
    assert.deepEqual(isComplete("function f() {"), { status: "incomplete", indent: "  " });
    assert.deepEqual(isComplete("class A {\n  f() {\n    g(\n"), { status: "incomplete", indent: "      " });
    assert.deepEqual(isComplete("class A {\n  a = 1"), { status: "incomplete", indent: "  " });
  });
});

/** STAND-IN until kernel/language lands. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { transformSync } from "@swc/core";
import { parseSync } from "oxc-parser";

export interface Cell {
  readonly declared: readonly string[];
  run(): unknown;
  mapStack(stack: string): string;
}

const require = createRequire(`${process.cwd()}/cell.js`);
Object.assign(globalThis, {
  require,
  __import: (s: string) => import(s.startsWith("node:") ? s : pathToFileURL(require.resolve(s)).href),
});

export function compile(source: string, count: number): Cell {
  const js = transformSync(source, {
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    isModule: true,
  }).code;
  const { program, errors } = parseSync("cell.js", js);
  if (errors.length) throw new SyntaxError(errors[0]!.message);
  const declared: string[] = [];
  let code = "";
  const isAsync = /\bawait\b|\bimport\b/.test(js);
  program.body.forEach((s, i) => {
    const text = js.slice(s.start, s.end);
    if (s.type === "ExpressionStatement" && i === program.body.length - 1)
      code += `return (${js.slice(s.expression.start, s.expression.end)});`;
    else if (s.type === "VariableDeclaration") {
      for (const d of s.declarations) if (d.id.type === "Identifier") declared.push(d.id.name);
      code += s.declarations
        .map((d) =>
          d.init
            ? `(${js.slice(d.id.start, d.id.end)} = ${js.slice(d.init.start, d.init.end)});`
            : `${js.slice(d.id.start, d.id.end)} = undefined;`,
        )
        .join("");
    } else if ((s.type === "FunctionDeclaration" || s.type === "ClassDeclaration") && s.id) {
      declared.push(s.id.name);
      code += `${text}; globalThis.${s.id.name} = ${s.id.name};`;
    } else if (s.type === "ImportDeclaration") {
      const names = s.specifiers.map(
        (p) =>
          `globalThis.${p.local.name} = ${p.type === "ImportNamespaceSpecifier" ? "$m" : p.type === "ImportDefaultSpecifier" ? "$m.default" : `$m.${js.slice(p.imported.start, p.imported.end)}`}`,
      );
      code += `{ const $m = await __import(${JSON.stringify(s.source.value)}); ${names.join(";")} }`;
    } else code += text;
  });
  const script = new vm.Script(`(${isAsync ? "async " : ""}() => {${code}})()`, { filename: `[${count}]` });
  return {
    declared,
    run: () => script.runInThisContext({ breakOnSigint: true, displayErrors: false }),
    mapStack: (stack) => stack,
  };
}

/** What a name is: signature, documentation, and on request its members or source. */
import type { Symbol as TypeScriptSymbol } from "typescript/unstable/async";
import { toUtf16 } from "../offsets.js";
import type { Inspection } from "../types.js";
import type { Compiler } from "./compiler.js";
import { wordAround } from "./complete.js";
import type { Workspace } from "./workspace.js";

/** The flags of TypeScript's symbols that decide how one is introduced. */
const words: readonly (readonly [number, string])[] = [
  [16, "function"],
  [32, "class"],
  [64, "interface"],
  [384, "enum"],
  [1536, "namespace"],
  [524288, "type"],
  [8192, "method"],
  [8, "enum member"],
  [98308, "property"],
  [3, "variable"],
  [262144, "type parameter"],
];
const alias = 2097152;
const functionFlag = 16;
const classFlag = 32;
const interfaceFlag = 64;
/** NoTruncation, InTypeAlias: the whole type, and an alias' own body instead of its name. */
const wholeType = 1 | 8388608;
const mostMembers = 60;

/** Describes the name under the cursor (in code points), or the function whose arguments it stands in. */
export async function inspectCell(
  code: string,
  cursor: number,
  detail: 0 | 1,
  compiler: Compiler,
  workspace: Workspace,
): Promise<Inspection | null> {
  const at = toUtf16(code, cursor);
  const file = workspace.setDraft(code, /<\/|\/>/.test(code) ? "tsx" : "ts");
  await compiler.refresh([file]);
  for (const position of candidates(code, at)) {
    const found = await compiler.checker.getSymbolAtPosition(file, position);
    if (found) return await describe(found, file, position, detail, compiler, workspace);
  }
  return null;
}

/** Offsets worth asking about: the word at the cursor, then the callee of the call around it. */
function* candidates(code: string, at: number): Generator<number> {
  const { start, end } = wordAround(code, at);
  if (end > start) yield start;
  let depth = 0;
  for (let index = at - 1; index >= 0; index--) {
    const character = code[index]!;
    if (")]}".includes(character)) depth++;
    else if ("([{".includes(character) && depth-- === 0) {
      const callee = wordAround(code, code.slice(0, index).trimEnd().length);
      if (character === "(" && callee.end > callee.start) yield callee.start;
      return;
    }
  }
}

async function describe(
  symbol: TypeScriptSymbol,
  file: string,
  position: number,
  detail: 0 | 1,
  { checker }: Compiler,
  workspace: Workspace,
): Promise<Inspection> {
  const target = symbol.flags & alias ? await checker.getAliasedSymbol(symbol) : symbol;
  const isType = (target.flags & (interfaceFlag | 524288)) !== 0 && (target.flags & 3) === 0;
  const type = isType
    ? await checker.getDeclaredTypeOfSymbol(target)
    : ((await checker.getTypeAtPosition(file, position)) ?? (await checker.getTypeOfSymbol(target)));
  const shown = type ? await checker.typeToString(type, undefined, wholeType) : "";
  const signature = introduce(target, shown, workspace.isAssignable(target.name) ? "let" : "const");
  const documentation = await target.getDocumentationComment(checker);
  const tags = (await target.getJsDocTags(checker)).map(({ name, text }) =>
    `@${name} ${tagText(text)}`.trimEnd(),
  );
  const sections = [documentation, tags.join("\n")].filter(Boolean);
  const declared = target.valueDeclaration ?? target.declarations[0];
  if (detail === 1) {
    const instance = target.flags & classFlag ? await checker.getDeclaredTypeOfSymbol(target) : type;
    if (instance && !(target.flags & functionFlag)) {
      const members = (await checker.getPropertiesOfType(instance))
        .map(({ name }) => name)
        .slice(0, mostMembers);
      if (members.length > 0) sections.push(`Members: ${members.join(", ")}`);
    }
    const node = await declared?.resolve();
    const text =
      node && workspace.files.has(declared!.path) ? workspace.files.get(declared!.path) : undefined;
    if (node && text !== undefined) sections.push(`Source:\n\n${text.slice(node.pos, node.end).trim()}`);
  }
  return {
    data: {
      "text/plain": [signature, ...sections].join("\n\n"),
      "text/markdown": [`\`\`\`typescript\n${signature}\n\`\`\``, ...sections].join("\n\n"),
    },
  };
}

const tagText = (text: unknown): string =>
  typeof text === "string"
    ? text
    : Array.isArray(text)
      ? text.map((part: { readonly text?: string }) => part.text ?? "").join("")
      : "";

/** `function f(a: number): string`, `const x: Map<string, number>`, `interface Named { … }`. */
function introduce(symbol: TypeScriptSymbol, type: string, variable: "let" | "const"): string {
  const kind = words.find(([flags]) => symbol.flags & flags)?.[1] ?? "";
  const word = kind === "variable" ? variable : kind;
  const { name } = symbol;
  if (word === "class" || word === "enum" || word === "namespace") return `${word} ${name}`;
  if (word === "interface" || word === "type")
    return type === name ? `${word} ${name}` : `${word} ${name} = ${type}`;
  if ((word === "function" || word === "method") && !type.startsWith("{")) {
    const arrow = type.lastIndexOf(") => ");
    if (arrow >= 0) return `${word} ${name}${type.slice(0, arrow + 1)}: ${type.slice(arrow + 5)}`;
  }
  return `${word} ${name}: ${type}`.trimStart();
}

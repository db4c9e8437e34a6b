/** Completion with types, in Jupyter's terms. */
import type { CompletionEntry } from "typescript/unstable/async";
import { toCodePoints, toUtf16 } from "../offsets.js";
import type { Completion, CompletionItem } from "../types.js";
import type { Compiler } from "./compiler.js";
import type { Workspace } from "./workspace.js";

/** The kinds of the language server protocol, as Jupyter's front ends name them. */
const kinds: Readonly<Record<number, string>> = {
  2: "method",
  3: "function",
  4: "constructor",
  5: "property",
  6: "variable",
  7: "class",
  8: "interface",
  9: "module",
  10: "property",
  13: "enum",
  14: "keyword",
  17: "file",
  19: "folder",
  20: "enum member",
  21: "constant",
  25: "type parameter",
};
const mostItems = 1000;

/** Completes at a cursor that is counted in code points. `globals` are names known at run time only. */
export async function completeCell(
  code: string,
  cursor: number,
  globals: readonly string[],
  compiler: Compiler,
  workspace: Workspace,
): Promise<Completion> {
  const at = toUtf16(code, cursor);
  const { start, end, folder } = partAround(code, at);
  const prefix = code.slice(start, at);
  const file = workspace.setDraft(code, /<\/|\/>/.test(code) ? "tsx" : "ts");
  await compiler.refresh([file]);
  const isFree = !/(?:\.|["'`/])\s*$/.test(code.slice(0, start));
  const candidates = [
    ...(await namesAt(file, at, prefix, code, compiler, workspace)),
    ...(isFree ? globals.map((text) => ({ text, type: "instance", sort: "2" })) : []),
  ];
  const ranked = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const text = candidate.text.startsWith(folder) ? candidate.text.slice(folder.length) : candidate.text;
    if (fits(text, prefix) && !text.startsWith("__") && !ranked.has(text))
      ranked.set(text, { ...candidate, text });
  }
  // What begins exactly as typed comes first, then what TypeScript finds nearest.
  const rank = ({ text, sort }: Candidate): string => `${text.startsWith(prefix) ? 0 : 1}${sort}\0${text}`;
  const items = [...ranked.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, mostItems);
  return {
    start: toCodePoints(code, start),
    end: toCodePoints(code, end),
    items: items.map(({ text, type }) => ({ text, type })),
  };
}

interface Candidate extends CompletionItem {
  readonly sort: string;
}

async function namesAt(
  file: string,
  at: number,
  prefix: string,
  code: string,
  compiler: Compiler,
  workspace: Workspace,
): Promise<readonly Candidate[]> {
  const { checker } = compiler;
  const info = await checker.getCompletionsAtPosition(file, at).catch((error: unknown) => {
    if (/auto imports/.test(String(error))) return null;
    throw error;
  });
  if (info) return info.entries.map(candidateOf);
  // Where any name may stand, this TypeScript wants an index of all packages that its API cannot prepare.
  const local = await namesInScope(file, at, prefix, code, compiler);
  const global = await checker.getCompletionsAtPosition(workspace.probe, workspace.probeOffset);
  return [
    ...local.map((name) => ({ text: name, type: "variable", sort: "0" })),
    ...workspace.names.map((text) => ({ text, type: "variable", sort: "1" })),
    ...(global?.entries ?? []).map((entry) => ({ ...candidateOf(entry), sort: "1" })),
    ...keywords.map((text) => ({ text, type: "keyword", sort: "3" })),
    ...utilityTypes.map((text) => ({ text, type: "interface", sort: "4" })),
  ];
}

function candidateOf({ name, kind, sortText, insertText }: CompletionEntry): Candidate {
  return { text: insertText ?? name, type: kinds[kind ?? 0] ?? "instance", sort: sortText ?? "" };
}

/** Words of the cell that are names where the cursor stands. */
async function namesInScope(
  file: string,
  at: number,
  prefix: string,
  code: string,
  { checker }: Compiler,
): Promise<string[]> {
  const words = new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []);
  words.delete(prefix);
  const wanted = [...words].filter((word) => fits(word, prefix)).slice(0, mostItems);
  const anyMeaning = 111551 | 788968 | 1920 | 2097152;
  const found = await Promise.all(
    wanted.map((word) => checker.resolveName(word, anyMeaning, { document: file, position: at }, true)),
  );
  return wanted.filter((_, index) => found[index] !== undefined);
}

const keywords =
  "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function if implements import in instanceof interface keyof let namespace new null of private protected public readonly return satisfies static super switch this throw true try type typeof undefined using var void while yield".split(
    " ",
  );
const utilityTypes =
  "any bigint boolean never number object string symbol unknown Awaited Exclude Extract InstanceType NonNullable Omit Parameters Partial Pick Readonly ReadonlyArray Record Required ReturnType".split(
    " ",
  );

/** Whether a name can replace the word: an identifier or path that begins with it, in any case. */
const fits = (name: string, prefix: string): boolean =>
  /^[\p{ID_Start}$_#@.][\p{ID_Continue}$/:.@-]*$/u.test(name) &&
  name.toLowerCase().startsWith(prefix.toLowerCase());

/** What the cursor completes: a part of a module's name in an import, behind its `folder`, or else a word. */
function partAround(code: string, at: number): { start: number; end: number; folder: string } {
  const path = /(?:\bfrom|\bimport|\brequire|\bresolve)\s*\(?\s*["']([^"'\n]*)$/.exec(code.slice(0, at))?.[1];
  if (path === undefined) return { ...wordAround(code, at), folder: "" };
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return { start: at - (path.length - folder.length), end: at, folder };
}

/** The identifier that the cursor stands in or behind, in UTF-16 offsets. */
export function wordAround(code: string, at: number): { start: number; end: number } {
  const before = /[\p{ID_Continue}$]*$/u.exec(code.slice(0, at))?.[0] ?? "";
  const after = /^[\p{ID_Continue}$]*/u.exec(code.slice(at))?.[0] ?? "";
  return { start: at - before.length, end: at + after.length };
}

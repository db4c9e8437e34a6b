/** Formulas in Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` as MathML, which needs neither style sheet nor font. */
import katex from "katex";
import type MarkdownIt from "markdown-it";

/** Renders TeX as MathML; what cannot be read stays as it was written. */
export const renderMath = (tex: string, isBlock: boolean): string =>
  katex.renderToString(tex, {
    output: "mathml",
    displayMode: isBlock,
    throwOnError: false,
    strict: false,
    // No links and no images from a formula, and no endless macros.
    trust: false,
    maxExpand: 200,
    maxSize: 50,
  });

/** A markdown-it plugin. Code spans and fences are never searched for formulas: the parser reads those first. */
export function math(markdown: MarkdownIt): void {
  markdown.inline.ruler.before("escape", "math", (state, silent) => {
    const found = formulaAt(state.src, state.pos);
    if (!found) return false;
    if (!silent) {
      const token = state.push("math", "math", 0);
      token.content = found.tex;
      token.markup = found.isBlock ? "$$" : "$";
    }
    state.pos += found.length;
    return true;
  });
  // A block of its own, which may hold lines that look like lists or headings.
  markdown.block.ruler.before(
    "fence",
    "math_block",
    (state, startLine, endLine, silent) => {
      const lineOf = (line: number): string =>
        state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
      if (!lineOf(startLine).startsWith("$$")) return false;
      let line = startLine;
      let text = lineOf(line).slice(2);
      while (!text.trimEnd().endsWith("$$")) {
        if (++line >= endLine) return false;
        text += `\n${lineOf(line)}`;
      }
      const tex = text.trimEnd().slice(0, -2);
      if (tex.trim() === "" || tex.includes("$$")) return false;
      if (silent) return true;
      const token = state.push("math", "math", 0);
      token.block = true;
      token.content = tex;
      token.markup = "$$";
      state.line = line + 1;
      return true;
    },
    { alt: ["paragraph", "blockquote", "list"] },
  );
  markdown.renderer.rules["math"] = (tokens, index) => {
    const { content, markup } = tokens[index]!;
    return renderMath(content, markup === "$$");
  };
}

interface Formula {
  readonly tex: string;
  readonly isBlock: boolean;
  readonly length: number;
}

const forms = [
  { start: "$$", end: "$$", isBlock: true },
  { start: "\\\\[", end: "\\\\]", isBlock: true },
  { start: "\\\\(", end: "\\\\)", isBlock: false },
  { start: "\\[", end: "\\]", isBlock: true },
  { start: "\\(", end: "\\)", isBlock: false },
  { start: "$", end: "$", isBlock: false },
] as const;

/** The formula that begins at `pos`. A single dollar must touch its formula, so that prices stay prices. */
function formulaAt(source: string, pos: number): Formula | undefined {
  for (const { start, end, isBlock } of forms) {
    if (!source.startsWith(start, pos)) continue;
    const from = pos + start.length;
    const to = closing(source, end, from);
    const tex = to < 0 ? "" : source.slice(from, to);
    if (tex.trim() === "") continue;
    const isPrice = start === "$" && (/^\s|\s$/.test(tex) || /^\d/.test(source.slice(to + 1)));
    if (!isPrice) return { tex, isBlock, length: to + end.length - pos };
  }
  return undefined;
}

function closing(source: string, end: string, from: number): number {
  for (let at = source.indexOf(end, from); at >= 0; at = source.indexOf(end, at + 1)) {
    if (end !== "$" || source[at - 1] !== "\\") return at;
  }
  return -1;
}

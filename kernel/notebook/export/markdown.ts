/** A notebook as Markdown: code in fences, pictures embedded, everything else as text. */
import type { CodeCell, Notebook, Output } from "../types.js";

/** The notebook as Markdown that any viewer shows. */
export function notebookMarkdown(
  { cells }: Notebook,
  { withInput }: { readonly withInput: boolean },
): string {
  const parts = cells.flatMap((cell) => {
    if (cell.cell_type === "code") return codeParts(cell, withInput);
    return [cell.cell_type === "raw" ? fence(cell.source, "") : cell.source];
  });
  return `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
}

const codeParts = (cell: CodeCell, withInput: boolean): string[] => [
  ...(withInput ? [fence(cell.source, "ts")] : []),
  ...cell.outputs.map(outputPart),
];

function outputPart(output: Output): string {
  if (output.output_type === "stream") return fence(withoutColours(output.text), "text");
  if (output.output_type === "error") {
    return fence(withoutColours(output.traceback.join("\n") || `${output.ename}: ${output.evalue}`), "text");
  }
  const { data } = output;
  const text = typeof data["text/plain"] === "string" ? data["text/plain"] : "";
  for (const mime of ["image/png", "image/jpeg"]) {
    const base64 = data[mime];
    if (typeof base64 !== "string" || !/^[A-Za-z0-9+/=\s]+$/.test(base64)) continue;
    const alt = (text || "picture")
      .replaceAll(/[[\]\\`<>]/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim();
    return `![${alt}](data:${mime};base64,${base64.replaceAll(/\s/g, "")})`;
  }
  if (typeof data["text/markdown"] === "string") return data["text/markdown"];
  return fence(withoutColours(text || `(an output of type ${Object.keys(data).join(", ")})`), "text");
}

/** A fence that is longer than any run of backticks inside. */
function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const marks = "`".repeat(longest + 1);
  return `${marks}${language}\n${text.trimEnd()}\n${marks}`;
}

const withoutColours = (text: string): string => text.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "");

/** Tables: one description, drawn as HTML that needs no style and as aligned text. */
import { formatInteger, formatNumber, plainLine } from "./format.js";
import { type Html, html } from "./html.js";

/** What a cell holds. Numbers are aligned right; null shows as a dash. */
export type Cell = string | number | bigint | boolean | null | undefined;

/** A table with a heading per column. */
export interface Table {
  readonly caption?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** The first cell of a row is its heading. */
  readonly rowHeadings?: boolean;
  /** Every cell is a number, also those written as text. Default: columns with a number are. */
  readonly isNumeric?: boolean;
  /** Most characters of a cell in the text. Default 60; the HTML wraps. */
  readonly textWidth?: number;
}

/** A real `<table>` with caption and scopes: it reads well after every style and class was removed. */
export function tableHtml(table: Table): Html {
  const { caption, columns, rows, rowHeadings = false } = table;
  const isNumeric = numericColumns(table);
  const body = rows.map(
    (row) =>
      html`<tr>${columns.map((_, i) =>
        rowHeadings && i === 0
          ? html`<th scope="row" style="text-align:left">${cellText(row[i])}</th>`
          : html`<td style="text-align:${isNumeric[i] ? "right" : "left"}">${cellText(row[i])}</td>`,
      )}</tr>\n`,
  );
  const headings = columns.map(
    (column, i) => html`<th scope="col" style="text-align:${isNumeric[i] ? "right" : "left"}">${column}</th>`,
  );
  return html`<table style="border-collapse:collapse;background:transparent">${
    caption !== undefined && html`<caption style="text-align:left">${caption}</caption>`
  }
<thead><tr>${headings}</tr></thead>
<tbody>
${body}</tbody></table>`;
}

/** The same table as text with aligned columns. */
export function tableText(table: Table): string {
  const { caption, columns, rows, textWidth = 60 } = table;
  const isNumeric = numericColumns(table);
  const texts = rows.map((row) => columns.map((_, i) => plainLine(cellText(row[i]), textWidth)));
  const widths = columns.map((column, i) => Math.max(column.length, ...texts.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  const lines = [line(columns.map((column) => plainLine(column, 60))), ...texts.map(line)];
  if (rows.length === 0) lines.push("(no rows)");
  return caption === undefined ? lines.join("\n") : [plainLine(caption), ...lines].join("\n");
}

const numericColumns = ({ columns, rows, isNumeric = false }: Table): boolean[] =>
  columns.map((_, i) => isNumeric || rows.some((row) => typeof row[i] === "number"));

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "–";
  if (typeof cell === "number") return formatNumber(cell);
  return typeof cell === "bigint" ? formatInteger(cell) : String(cell);
}

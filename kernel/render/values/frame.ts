/** Data frames (danfojs, by shape alone) and lists of records, as tables. */
import type { Display } from "../../protocol/mime.js";
import { formatInteger, formatInterval, formatNumber, plural } from "../format.js";
import { type Cell, type Table, tableHtml, tableText } from "../table.js";

/** Rows shown at each end of a long table, and columns of a wide one. */
const endRows = 10;
const maxColumns = 30;

/** What danfojs gives a DataFrame or a Series; nothing else of it is relied on. */
interface Frame {
  readonly columns: readonly string[];
  readonly values: readonly unknown[];
  readonly index: readonly (string | number)[];
  readonly dtypes: readonly string[];
}

/** Whether a value has the members of a danfojs frame. */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== "object" || value === null) return false;
  const { columns, values, index, dtypes } = value as Record<string, unknown>;
  return (
    [columns, values, index, dtypes].every(Array.isArray) && (values as []).length === (index as []).length
  );
}

/** First and last rows of a frame, with its index and column types. */
export function renderFrame({ columns, values, index, dtypes }: Frame): Display {
  const rowOf = (i: number): readonly unknown[] => {
    const row = values[i];
    return Array.isArray(row) ? row : [row];
  };
  return tableDisplay({
    count: values.length,
    columns: columns.map((name, i) => `${name} (${dtypes[i] ?? "unknown type"})`),
    heading: (i) => String(index[i]),
    row: rowOf,
  });
}

/** A number with its interval, as the library's results have it. */
interface EstimateCell {
  readonly value: number;
  readonly interval: readonly [number, number];
}

function isEstimate(value: object): value is EstimateCell {
  const { kind, value: middle, interval } = value as Readonly<Record<string, unknown>>;
  return (
    kind === "estimate" &&
    typeof middle === "number" &&
    Array.isArray(interval) &&
    interval.length === 2 &&
    interval.every((end) => typeof end === "number")
  );
}

/** Shown on one line: a primitive, or an estimate. */
const isCell = (value: unknown): boolean => typeof value !== "object" || value === null || isEstimate(value);

/** Whether a value is a list of plain objects whose members are all shown on one line. */
export function isRecords(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((row: unknown) => {
    if (typeof row !== "object" || row === null) return false;
    const prototype: unknown = Object.getPrototypeOf(row);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
    const members = Object.values(row);
    return members.length > 0 && members.every(isCell);
  });
}

/** A list of records as a table; columns in the order in which they first appear. */
export function renderRecords(records: readonly Readonly<Record<string, unknown>>[]): Display {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return tableDisplay({
    count: records.length,
    columns,
    heading: String,
    row: (i) => columns.map((column) => records[i]![column]),
  });
}

interface Source {
  readonly count: number;
  readonly columns: readonly string[];
  heading(i: number): string;
  row(i: number): readonly unknown[];
}

function tableDisplay({ count, columns, heading, row }: Source): Display {
  const shownColumns = columns.slice(0, maxColumns);
  const indices = Array.from({ length: count }, (_, i) => i);
  const isLong = count > 2 * endRows;
  const cells = (i: number): Cell[] => [heading(i), ...shownColumns.map((_, j) => cellOf(row(i)[j]))];
  const rows = isLong
    ? [
        ...indices.slice(0, endRows).map(cells),
        ["…", ...shownColumns.map(() => "…")],
        ...indices.slice(-endRows).map(cells),
      ]
    : indices.map(cells);
  const notes = [
    `${plural(count, "row")} × ${plural(columns.length, "column")}`,
    ...(isLong ? [`first and last ${endRows} rows shown`] : []),
    ...(columns.length > maxColumns ? [`first ${formatInteger(maxColumns)} columns shown`] : []),
  ];
  const table: Table = { caption: notes.join(", "), columns: ["", ...shownColumns], rows, rowHeadings: true };
  return { data: { "text/html": tableHtml(table).toString(), "text/plain": tableText(table) }, metadata: {} };
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return value;
  const text =
    typeof value === "object" && isEstimate(value)
      ? `${formatNumber(value.value)} ${formatInterval(value.interval)}`
      : String(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

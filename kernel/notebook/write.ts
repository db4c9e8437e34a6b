/** Notebooks to files, in the form that Jupyter itself saves: no difference but the real ones ever shows in a diff. */
import { randomUUID } from "node:crypto";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AssayError } from "../../lib/errors.js";
import type { Cell, MimeData, Notebook, Output } from "./types.js";

/**
 * The text of a notebook's file: keys sorted, indented by one, texts as lists of lines, a final newline. Byte for
 * byte what Python's nbformat writes, but for numbers that the two languages print differently.
 */
export function formatNotebook({ cells, metadata, ...versions }: Notebook): string {
  const tail = stringify({ metadata, ...versions }, 0).slice(1);
  if (cells.length === 0) return `{\n "cells": [],${tail}\n`;
  return `{\n "cells": [\n  ${cells.map(formatCell).join(",\n  ")}\n ],${tail}\n`;
}

/**
 * Writes a file under another name beside it, then renames it: it is at every moment either the old or the new one. Who
 * may read and write the file stays as it was.
 *
 * @throws the file system's error, with nothing half-written.
 */
export async function writeAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  const mode = (await stat(file).catch(() => undefined))?.mode ?? 0o666;
  try {
    await writeFile(draft, content, { mode });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Writes a notebook that somebody asked for. @throws AssayError INVALID_ARGUMENT if it cannot be written. */
export const writeNotebook = (file: string, notebook: Notebook): Promise<void> =>
  writeOutput(file, formatNotebook(notebook));

/**
 * Writes a file that somebody asked for, as a whole.
 *
 * @throws AssayError INVALID_ARGUMENT if it cannot be written.
 */
export async function writeOutput(file: string, content: string | Uint8Array): Promise<void> {
  await writeAtomically(file, content).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new AssayError(
      "INVALID_ARGUMENT",
      `${file} cannot be written: ${why}`,
      { output: file },
      { cause: error },
    );
  });
}

// A runner saves after every cell and changes one: the text of the others is kept.
const formatted = new WeakMap<Cell, string>();

function formatCell(cell: Cell): string {
  let text = formatted.get(cell);
  if (text === undefined) {
    text = stringify(splitCell(cell), 2);
    formatted.set(cell, text);
  }
  return text;
}

/** JSON with sorted keys, indented by one space a level, the first line not. */
function stringify(value: unknown, level: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const [start, end] = Array.isArray(value) ? "[]" : "{}";
  const members = Array.isArray(value)
    ? value.map((item) => stringify(item, level + 1))
    : Object.keys(value)
        .filter((key) => (value as Record<string, unknown>)[key] !== undefined)
        .sort()
        .map(
          (key) => `${JSON.stringify(key)}: ${stringify((value as Record<string, unknown>)[key], level + 1)}`,
        );
  if (members.length === 0) return `${start}${end}`;
  const indent = " ".repeat(level + 1);
  return `${start}\n${indent}${members.join(`,\n${indent}`)}\n${" ".repeat(level)}${end}`;
}

/** Lines with their ends, cut where Python's `splitlines` cuts. */
const splitLines = (text: string): string[] =>
  text.match(
    /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+$/g,
  ) ?? [];

function splitCell(cell: Cell): unknown {
  const source = splitLines(cell.source);
  if (cell.cell_type === "code") return { ...cell, source, outputs: cell.outputs.map(splitOutput) };
  if (!cell.attachments) return { ...cell, source };
  const attachments = Object.entries(cell.attachments).map(([name, data]) => [name, splitData(data)]);
  return { ...cell, source, attachments: Object.fromEntries(attachments) };
}

function splitOutput(output: Output): unknown {
  if (output.output_type === "stream") return { ...output, text: splitLines(output.text) };
  return "data" in output ? { ...output, data: splitData(output.data) } : output;
}

const splitData = (data: MimeData): MimeData =>
  Object.fromEntries(
    Object.entries(data).map(([mime, value]) =>
      typeof value === "string" && /^(text\/|application\/javascript$|image\/svg\+xml$)/.test(mime)
        ? [mime, splitLines(value)]
        : [mime, value],
    ),
  );

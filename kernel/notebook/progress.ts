/** Shows how a run goes on: for people on a terminal, for logs, for programs. */
import { basename } from "node:path";
import type { RunEvent } from "./run-events.js";

/** `auto` is one changing line on a terminal and `plain` elsewhere. */
export type ProgressStyle = "auto" | "plain" | "json" | "none";

/** Where progress is written: standard error, or a test's own. */
export interface ProgressSink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Makes the function that shows a run's events. */
export function progress(style: ProgressStyle, sink: ProgressSink): (event: RunEvent) => void {
  switch (style) {
    case "none":
      return () => {};
    case "json":
      return (event) => sink.write(`${JSON.stringify(event)}\n`);
    case "plain":
      return plain(sink);
    case "auto":
      return sink.isTTY ? changingLine(sink) : plain(sink);
  }
}

function plain(sink: ProgressSink): (event: RunEvent) => void {
  return (event) => {
    const line = lineOf(event);
    if (line !== undefined) sink.write(`${line}\n`);
  };
}

function lineOf(event: RunEvent): string | undefined {
  switch (event.event) {
    case "start":
      return `${basename(event.file)}: ${event.cells} cells`;
    case "cell":
      return `[${event.index + 1}/${event.cells}] ${event.label}`;
    case "cell-done":
      return event.status === "error" || event.seconds >= 1
        ? `[${event.index + 1}/${event.cells}] ${event.status} after ${event.seconds.toFixed(1)} s`
        : undefined;
    case "note":
      return event.message;
    case "end":
      return `${event.status} after ${event.seconds.toFixed(1)} s`;
  }
}

/** One line that is written over; notes and the end stay. */
function changingLine(sink: ProgressSink): (event: RunEvent) => void {
  const clear = "\r\u001b[2K";
  return (event) => {
    const line = lineOf(event);
    if (line === undefined) return;
    const isPassing = event.event === "cell" || event.event === "cell-done" || event.event === "start";
    sink.write(isPassing ? clear + line.slice(0, (sink.columns ?? 80) - 1) : `${clear}${line}\n`);
  };
}

/** From the kernel's messages to the outputs that a notebook keeps. */
import type { Message } from "../protocol/message.js";
import { StreamText } from "./carriage.js";
import type { Metadata, MimeData, Output } from "./types.js";

interface Stream {
  readonly output_type: "stream";
  readonly name: string;
  readonly text: StreamText;
}

interface Shown {
  readonly displayId: string | undefined;
  output: Exclude<Output, { output_type: "stream" }>;
}

/** What one cell shows while it runs. */
class Area {
  items: (Stream | Shown)[] = [];
  clearBeforeNext = false;

  add(item: Stream | Shown): void {
    this.#clearIfAsked();
    this.items.push(item);
  }

  write(name: string, text: string): void {
    this.#clearIfAsked();
    const last = this.items.at(-1);
    if (last && "text" in last && last.name === name) last.text.write(text);
    else {
      const stream: Stream = { output_type: "stream", name, text: new StreamText() };
      stream.text.write(text);
      this.items.push(stream);
    }
  }

  outputs(): Output[] {
    return this.items.map((item) => ("output" in item ? item.output : { ...item, text: String(item.text) }));
  }

  #clearIfAsked(): void {
    if (this.clearBeforeNext) this.items = [];
    this.clearBeforeNext = false;
  }
}

/** The outputs of all cells of one run: streams joined, displays updated wherever they stand, clearing honoured. */
export class OutputAreas {
  readonly #areas = new Map<number, Area>();

  /** What a cell shows now. */
  of(cell: number): Output[] {
    return this.#areas.get(cell)?.outputs() ?? [];
  }

  /** Adds an output that does not come from the kernel. */
  add(cell: number, output: Exclude<Output, { output_type: "stream" }>): void {
    this.#area(cell).add({ displayId: undefined, output });
  }

  /**
   * Takes a message that a cell caused.
   *
   * @returns The cells whose outputs changed: another one than `cell` when a display was updated from afar.
   */
  receive(cell: number, { header, content }: Message): number[] {
    const area = this.#area(cell);
    switch (header.msg_type) {
      case "stream":
        area.write(String(content["name"]), String(content["text"]));
        return [cell];
      case "display_data":
        area.add({
          displayId: displayId(content),
          output: { output_type: "display_data", ...bundle(content) },
        });
        return [cell];
      case "execute_result": {
        const execution_count = content["execution_count"] as number | null;
        area.add({
          displayId: displayId(content),
          output: { output_type: "execute_result", execution_count, ...bundle(content) },
        });
        return [cell];
      }
      case "error": {
        const { ename, evalue, traceback } = content as unknown as Extract<Output, { output_type: "error" }>;
        area.add({ displayId: undefined, output: { output_type: "error", ename, evalue, traceback } });
        return [cell];
      }
      case "clear_output":
        if (content["wait"] === true) area.clearBeforeNext = true;
        else area.items = [];
        return [cell];
      case "update_display_data":
        return this.#update(displayId(content), bundle(content));
      default:
        return [];
    }
  }

  #update(
    id: string | undefined,
    content: { readonly data: MimeData; readonly metadata: Metadata },
  ): number[] {
    if (id === undefined) return [];
    const changed: number[] = [];
    for (const [cell, { items }] of this.#areas) {
      const shown = items.filter((item): item is Shown => "output" in item && item.displayId === id);
      for (const item of shown) {
        if (item.output.output_type !== "error") item.output = { ...item.output, ...content };
      }
      if (shown.length > 0) changed.push(cell);
    }
    return changed;
  }

  #area(cell: number): Area {
    let area = this.#areas.get(cell);
    if (!area) this.#areas.set(cell, (area = new Area()));
    return area;
  }
}

const bundle = (content: Message["content"]) => ({
  data: (content["data"] ?? {}) as MimeData,
  metadata: (content["metadata"] ?? {}) as Metadata,
});

function displayId(content: Message["content"]): string | undefined {
  const id = (content["transient"] as Metadata | undefined)?.["display_id"];
  return typeof id === "string" ? id : undefined;
}

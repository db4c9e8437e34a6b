/** Shows values: draws them, keeps them in order, and publishes them. */
import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { AssayError } from "../../lib/errors.js";
import type { Display, MimeBundle } from "../protocol/mime.js";
import type { DisplayHandle, DisplayOptions } from "./api.js";
import type { PublishedType, RunId } from "./events.js";
import type { OutputQueue } from "./queue.js";

/** Publishes a message whose content is ready. */
export type Publish = (
  run: RunId,
  message: PublishedType,
  content: Readonly<Record<string, unknown>>,
  rest?: { readonly text?: string; readonly buffers?: readonly Uint8Array[] },
) => void;

/** Draws any value. */
export type Render = (value: unknown) => Promise<Display>;

/** The displays of a session. */
export class Displays {
  readonly #queue: OutputQueue;
  readonly #publish: Publish;
  readonly #render: Render;
  readonly #run: () => RunId;
  /** A cell that ends with `display(x)` has shown x; the handle is no result. */
  readonly #handles = new WeakSet<object>();

  /** @param run The run that present output belongs to. */
  constructor(queue: OutputQueue, publish: Publish, render: Render, run: () => RunId) {
    this.#queue = queue;
    this.#publish = publish;
    this.#render = render;
    this.#run = run;
  }

  /** `display(...)` of a cell. */
  show(value: unknown, options: DisplayOptions = {}): DisplayHandle {
    const displayId = options.displayId ?? randomUUID();
    this.#show("display_data", displayId, value, options);
    const handle: DisplayHandle = {
      displayId,
      update: (next, more = {}) => this.#show("update_display_data", displayId, next, more),
    };
    this.#handles.add(handle);
    return handle;
  }

  /** Shows the value of a cell's last expression, if there is one to show. */
  result(run: RunId, count: number, value: unknown): void {
    if (value === undefined || this.#handles.has(value as object)) return;
    this.#draw(value, ({ data, metadata }) => {
      const text = data["text/plain"];
      this.#publish(
        run,
        "execute_result",
        { execution_count: count, data, metadata },
        typeof text === "string" ? { text } : {},
      );
    });
  }

  #show(
    message: "display_data" | "update_display_data",
    displayId: string,
    value: unknown,
    { raw, metadata: extra }: DisplayOptions,
  ): void {
    const run = this.#run();
    const publish = ({ data, metadata }: Display) =>
      this.#publish(run, message, {
        data,
        metadata: { ...metadata, ...extra },
        transient: { display_id: displayId },
      });
    if (raw) {
      const bundle = { data: checkedBundle(value), metadata: {} };
      this.#queue.add(() => publish(bundle));
    } else this.#draw(value, publish);
  }

  #draw(value: unknown, publish: (display: Display) => void): void {
    if (isPlain(value)) {
      this.#queue.add(() => publish({ data: { "text/plain": inspect(value) }, metadata: {} }));
      return;
    }
    const drawn = this.#render(value).catch((error: unknown) => ({
      data: { "text/plain": `${inspect(value)}\n(It could not be drawn: ${String(error)})` },
      metadata: {},
    }));
    this.#queue.addLater(drawn.then((display) => () => publish(display)));
  }
}

/** Values that have nothing to draw: they are shown without waiting for the renderer. */
const isPlain = (value: unknown): boolean =>
  value === null || typeof value === "number" || typeof value === "boolean" || typeof value === "bigint";

/** A MIME bundle of the user's own: bytes become base64, as the protocol wants them. */
function checkedBundle(value: unknown): MimeBundle {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `display: with { raw: true } the value must be a MIME bundle such as { "text/plain": "…" }, got ${inspect(value)}.`,
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([mime, data]: [string, unknown]) => [
      mime,
      data instanceof Uint8Array ? Buffer.from(data).toString("base64") : data,
    ]),
  );
}

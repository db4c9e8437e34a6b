/** Values that draw themselves, by the convention of Deno's kernel. */
import type { Display, MimeBundle } from "../../protocol/mime.js";
import { renderPlain } from "./plain.js";

const jupyterDisplay = Symbol.for("Jupyter.display");

/**
 * What the value's own `[Symbol.for("Jupyter.display")]()` returns, or undefined if it has none.
 * If the method throws or returns no bundle, the plain value is shown with the reason.
 */
export async function displayOf(value: unknown): Promise<Display | undefined> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    const method: unknown = Reflect.get(value, jupyterDisplay);
    if (typeof method !== "function") return undefined;
    const bundle: unknown = await method.call(value);
    if (!isBundle(bundle)) throw new TypeError("it did not return an object of MIME types");
    return {
      data: "text/plain" in bundle ? bundle : { ...bundle, ...renderPlain(value).data },
      metadata: {},
    };
  } catch (error) {
    const plain = renderPlain(value);
    const why = `(its Jupyter.display failed: ${error instanceof Error ? error.message : String(error)})`;
    return { data: { "text/plain": `${plain.data["text/plain"]}\n${why}` }, metadata: {} };
  }
}

const isBundle = (value: unknown): value is MimeBundle =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).length > 0 &&
  Object.keys(value).every((key) => key.includes("/"));

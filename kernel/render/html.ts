/** The one way HTML is made: a template that escapes every value, so that no name from a model can become markup. */
import { AssayError } from "../../lib/errors.js";

/** A piece of markup that came out of the `html` template. Nothing else can be one. */
export class Html {
  readonly #markup: string;

  private constructor(markup: string) {
    this.#markup = markup;
  }

  /** The markup as text, for a `text/html` bundle entry. */
  toString(): string {
    return this.#markup;
  }

  static isHtml(value: unknown): value is Html {
    return typeof value === "object" && value !== null && #markup in value;
  }

  /** Only the functions below call this; the literal parts are written by us. */
  static fromTemplate(literals: readonly string[], values: readonly HtmlValue[]): Html {
    let markup = literals[0]!;
    for (const [i, value] of values.entries()) {
      checkPlace(markup, value);
      markup += markupOf(value) + literals[i + 1]!;
    }
    return new Html(markup);
  }
}

/**
 * Markup that is safe by itself: constants of ours, and what a sanitiser let through. Never text from a model, a
 * notebook or a user.
 */
export const verbatim = (markup: string): Html => Html.fromTemplate([markup], []);

/** What a hole of the template takes. Lists are joined; `null`, `undefined` and `false` leave nothing. */
export type HtmlValue = Html | string | number | bigint | null | undefined | false | readonly HtmlValue[];

/**
 * Makes HTML. Every value is escaped unless it is itself a result of this template.
 *
 * A value may stand between tags or inside a quoted attribute. An address (`href`, `src`) takes only
 * `#fragment` and `data:image/…` values, an event attribute takes none: outputs never load or run anything.
 *
 * @throws AssayError INVALID_ARGUMENT if a value stands where escaping could not protect it.
 * @example
 * html`<td title="${name}">${count}</td>`.toString()
 */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.fromTemplate(literals, values);
}

/** Replaces the five characters that have a meaning in HTML. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.map(markupOf).join("");
  return Html.isHtml(value) ? value.toString() : escapeHtml(String(value));
}

/** Refuses the places where an escaped value could still do harm: bare attributes, addresses, events, script. */
function checkPlace(before: string, value: HtmlValue): void {
  const tag = before.slice(before.lastIndexOf("<") + 1);
  if (tag.includes(">")) {
    if (/^(script|style)\b/i.test(tag) && !Html.isHtml(value)) refuse("inside <script> or <style>", value);
    return;
  }
  if (tag === before) return;
  const attribute = /([\w:-]+)="([^"]*)$/.exec(tag);
  if (!attribute || typeof value === "object") refuse("inside a tag but outside a quoted attribute", value);
  const name = attribute?.[1]?.toLowerCase() ?? "";
  const text = `${attribute?.[2]}${value}`;
  if (name.startsWith("on")) refuse(`in the event attribute ${name}`, value);
  if (
    addresses.has(name) &&
    !/^(#|data:image\/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]*$)/.test(text)
  ) {
    refuse(`as the address of ${name}`, value);
  }
  if (name === "style" && !/^[\w\s:;#%.,()-]*$/.test(text)) refuse("in a style attribute", value);
}

const addresses = new Set(["href", "src", "srcset", "action", "formaction", "xlink:href", "poster", "data"]);

function refuse(place: string, value: HtmlValue): never {
  const shown = String(value).slice(0, 60);
  throw new AssayError("INVALID_ARGUMENT", `html: the value "${shown}" cannot stand ${place}.`, { place });
}

/** What of a stranger's HTML may appear in a report: text, structure, tables, formulas and embedded pictures. */
import sanitizeHtml from "sanitize-html";
import { type Html, verbatim } from "../../render/html.js";

const mathTags =
  "math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup munder mover munderover mtable mtr mtd menclose annotation".split(
    " ",
  );

const mathAttributes =
  "xmlns display mathvariant stretchy fence separator lspace rspace accent accentunder displaystyle scriptlevel minsize maxsize linethickness columnalign rowspacing columnspacing encoding width height depth voffset notation symmetric largeop movablelimits form mathcolor mathbackground mathsize".split(
    " ",
  );

/** Values without an address, a script or an escape. */
const plainValue = [/^(?!.*(?:url|expression|@import))[\w\s#%.,()+-]{1,200}$/i];

const styles = Object.fromEntries(
  (
    "color background background-color text-align vertical-align font-weight font-style font-size font-family text-decoration white-space width height max-width min-width " +
    "padding padding-left padding-right padding-top padding-bottom margin margin-left margin-right margin-top margin-bottom line-height list-style display opacity " +
    "border border-top border-bottom border-left border-right border-top border-bottom border-color border-style border-width border-radius border-collapse border-spacing"
  )
    .split(" ")
    .map((name) => [name, plainValue]),
);

const options: sanitizeHtml.IOptions = {
  allowedTags: [
    ..."h1 h2 h3 h4 h5 h6 p div span section article aside header footer blockquote pre code kbd samp var a b strong i em u s del ins mark small sub sup abbr cite q time br hr wbr ul ol li dl dt dd".split(
      " ",
    ),
    ..."table caption colgroup col thead tbody tfoot tr th td figure figcaption img details summary progress meter".split(
      " ",
    ),
    ...mathTags,
  ],
  allowedAttributes: {
    "*": ["title", "lang", "dir", "role", "aria-label", "aria-hidden", "style"],
    a: ["href", "rel"],
    img: ["src", "alt", "width", "height"],
    th: ["scope", "colspan", "rowspan"],
    td: ["colspan", "rowspan"],
    col: ["span"],
    ol: ["start"],
    details: ["open"],
    progress: ["value", "max"],
    meter: ["value", "min", "max", "low", "high", "optimum"],
    code: ["class"],
    span: ["class"],
    ...Object.fromEntries(mathTags.map((tag) => [tag, mathAttributes])),
  },
  // Ours, from code and terminal text; others could take the look of the page's own parts.
  allowedClasses: { code: ["language-*"], span: ["tok-*", "ansi-*"] },
  allowedStyles: { "*": styles },
  allowedSchemes: ["http", "https", "mailto"],
  allowedSchemesByTag: { img: ["data"] },
  allowedSchemesAppliedToAttributes: ["href", "src"],
  allowProtocolRelative: false,
  transformTags: {
    a: (tagName, attribs) => ({ tagName, attribs: { ...attribs, rel: "noopener noreferrer" } }),
  },
  // An image from elsewhere is not loaded; `data:` may carry a picture and nothing else.
  exclusiveFilter: ({ tag, attribs }) =>
    tag === "img" &&
    !/^data:image\/(png|jpeg|gif|webp|svg\+xml);base64,[\w+/=\s]*$/.test(attribs["src"] ?? ""),
  // An upper bound for what a page can be asked to nest.
  nestingLimit: 100,
};

/** The harmless part of some HTML. Scripts, styles, forms, frames, events, ids and foreign addresses are dropped. */
export const sanitise = (markup: string): Html => verbatim(sanitizeHtml(markup, options));

/** What a cell can call: re-exported for `import … from "assay/kernel"`. */
export type { Display, MimeBundle } from "./protocol/mime.js";

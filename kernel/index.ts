/** What a cell can call: `import … from "assay/kernel"`. */
export type { Display, MimeBundle } from "./protocol/mime.js";
export {
  clearOutput,
  comm,
  type DisplayHandle,
  type DisplayOptions,
  display,
  type InputOptions,
  input,
} from "./session/api.js";
export type { Comm, CommMessage, CommOpened, CommOptions, Comms } from "./session/comms.js";

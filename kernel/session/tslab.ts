/** Connects the real tslab package to this session: what it displays goes where our own displays go. */
import Module from "node:module";
import type { MimeBundle } from "../protocol/mime.js";

/** What tslab's `display` hands to the kernel it runs in. */
interface TslabDisplay {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient?: { readonly display_id?: string };
}

/** Receives tslab's displays; `update` says that the display with that id is to change. */
export type TslabWriter = (display: TslabDisplay, update: boolean) => void;

interface TslabJupyter {
  /** tslab's own kernel puts its writer here; without one, tslab's displays throw "Not ready". */
  lastWriteDisplayData: TslabWriter | null;
}

interface LoadedModule {
  exports: unknown;
  load(filename: string): void;
}

const jupyterOfTslab = /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/;

/** Gives every copy of tslab that code of this process loads our writer, before anything can call it. */
export function connectTslab(writer: TslabWriter): void {
  const prototype = Module.prototype as unknown as LoadedModule;
  const load = prototype.load;
  prototype.load = function (this: LoadedModule, filename) {
    load.call(this, filename);
    if (jupyterOfTslab.test(filename)) (this.exports as TslabJupyter).lastWriteDisplayData = writer;
  };
}

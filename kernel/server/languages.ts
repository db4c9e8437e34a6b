/** Completion, inspection and completeness of code, asked of the language service. */
import type { Reply } from "./request.js";

/** The kernel's view of the language service; it answers while a cell runs. */
export class Languages {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Names that fit before the cursor, which is counted in code points, as Jupyter does. */
  complete(code: string, cursor: number, declared: readonly string[]): Reply {
    const before = [...code].slice(0, cursor).join("");
    const word = /[\p{ID_Continue}$]*$/u.exec(before)?.[0] ?? "";
    const matches = declared.filter((name) => name.startsWith(word));
    return {
      status: "ok",
      matches,
      cursor_start: cursor - [...word].length,
      cursor_end: cursor,
      metadata: {},
    };
  }

  inspect(_code: string, _cursor: number, _detail: 0 | 1): Reply {
    return { status: "ok", found: false, data: {}, metadata: {} };
  }

  isComplete(_code: string): Reply {
    return { status: "unknown" };
  }

  /** For a cell `name?`: the page that describes the name. */
  page(_code: string): Promise<Reply | undefined> | undefined {
    return undefined;
  }

  commit(_code: string): void {}

  reset(): void {}

  dispose(): void {}
}

/** Pictures that lie beside a notebook, put into the report. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, isAbsolute, relative, resolve } from "node:path";
import type { ImageSource } from "./markdown-html.js";

const types: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".svg": "image/svg+xml",
};

const maxBytes = 10 * 1024 * 1024;

/** Finds pictures inside the notebook's folder, and nowhere else: a notebook must not carry off other files. */
export function localImages(notebookFile: string): ImageSource {
  const folder = dirname(resolve(notebookFile));
  return (address) => {
    const type = types[extname(address).toLowerCase()];
    if (type === undefined || isAbsolute(address) || /^[a-z][a-z+.-]*:/i.test(address)) return undefined;
    try {
      const file = realpathSync(resolve(folder, address));
      const inside = relative(realpathSync(folder), file);
      if (inside.startsWith("..") || isAbsolute(inside) || statSync(file).size > maxBytes) return undefined;
      return `data:${type};base64,${readFileSync(file).toString("base64")}`;
    } catch {
      return undefined;
    }
  };
}

/** The front end's built files and the logo of the kernel. */
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { contentTypeOf } from "./contents/mime.js";
import { HttpError, type Route } from "./http.js";

/** Routes of files that are the same for every user; they need no token. */
export function staticRoutes(bundleFolder: string): readonly Route[] {
  const file = (path: string) => sendBuilt(bundleFolder, path);
  return [
    { method: "GET", pattern: "/static/*path", handle: ({ params }) => file(params["path"]!) },
    { method: "GET", pattern: "/favicon.ico", handle: () => file("logo.svg") },
    { method: "GET", pattern: "/kernelspecs/assay/logo.svg", handle: () => file("logo.svg") },
  ];
}

async function sendBuilt(folder: string, path: string) {
  const root = await realpath(folder);
  const file = await realpath(join(root, path)).catch(() => undefined);
  const stats = file && !relative(root, file).startsWith("..") ? await stat(file) : undefined;
  if (!file || !stats?.isFile()) throw new HttpError(404, `There is no built file ${path}.`);
  // The name of a hashed file changes with its content.
  const isHashed = /\.[0-9a-f]{12}\.|\/[0-9a-f]{12}\./.test(path);
  return {
    body: createReadStream(file),
    headers: {
      "Content-Type": contentTypeOf(path),
      "Content-Length": String(stats.size),
      "Cache-Control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    },
  };
}

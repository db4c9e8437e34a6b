/** File, Save and Export Notebook As: the notebook on disk as one self-contained file. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ExportTarget } from "../notebook/export/index.js";
import { type Folder, nameOf } from "./contents/folder.js";
import { HttpError, type Reply, type Route } from "./http.js";

interface Format {
  readonly target: ExportTarget;
  readonly ending: string;
  readonly type: string;
}

/** By the names that JupyterLab's menu knows. */
const formats: Readonly<Record<string, Format>> = {
  html: { target: "html", ending: ".html", type: "text/html" },
  markdown: { target: "markdown", ending: ".md", type: "text/markdown" },
  pdf: { target: "pdf", ending: ".pdf", type: "application/pdf" },
  script: { target: "ts", ending: ".ts", type: "text/plain" },
};

/** Routes `/api/nbconvert` and `/nbconvert`. */
export function exportRoutes(folder: Folder): readonly Route[] {
  const known = Object.entries(formats).map(([name, { type }]) => [name, { output_mimetype: type }]);
  return [
    { method: "GET", pattern: "/api/nbconvert", handle: () => ({ json: Object.fromEntries(known) }) },
    {
      method: "GET",
      pattern: "/nbconvert/:format/*path",
      handle: ({ params }) => exported(folder, params["format"]!, params["path"]!),
    },
  ];
}

async function exported(folder: Folder, format: string, path: string): Promise<Reply> {
  const found = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (!found) throw new HttpError(404, `A notebook cannot be exported to "${format}".`);
  const file = await folder.existing(path);
  const [{ readNotebook }, { exportNotebook }] = await Promise.all([
    import("../notebook/read.js"),
    import("../notebook/export/index.js"),
  ]);
  const temporary = await mkdtemp(join(tmpdir(), "assay-export-"));
  try {
    const output = join(temporary, `notebook${found.ending}`);
    await exportNotebook(await readNotebook(file), { to: found.target, output, name: file });
    const name = encodeURIComponent(basename(nameOf(path), ".ipynb") + found.ending);
    return {
      body: await readFile(output),
      headers: {
        "Content-Type": found.type,
        "Content-Disposition": `attachment; filename*=UTF-8''${name}`,
        "Cache-Control": "no-store",
      },
    };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

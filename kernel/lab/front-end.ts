/** The page itself and the small questions that JupyterLab asks when it starts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, normalize } from "./contents/folder.js";
import type { Exchange, Reply, Route } from "./http.js";
import { type Bundle, pageHtml } from "./page.js";
import type { Guard } from "./security.js";
import type { Workspaces } from "./workspaces.js";

/** Opened when a folder is shown for the first time. */
const tourFile = "00-tour.ipynb";

export interface FrontEndOptions {
  readonly bundle: Bundle;
  readonly folder: Folder;
  readonly guard: Guard;
  readonly workspaces: Workspaces;
  readonly version: string;
  readonly isReadOnly: boolean;
  readonly requestShutDown: () => void;
}

/** Routes of the page, of the user, of licences and of translations. */
export function frontEndRoutes(options: FrontEndOptions): readonly Route[] {
  const { bundle, folder, guard, workspaces, requestShutDown } = options;
  const page = (workspace: string, treePath: string): Reply => ({
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Set-Cookie": guard.setCookie,
    },
    body: pageHtml({ ...options, xsrfToken: guard.xsrfToken, root: folder.root, workspace, treePath }),
  });
  // A redirect keeps the query, token included: the cookie is set by the page that is finally shown.
  const redirect = (path: string, { url }: Exchange): Reply => ({
    status: 302,
    headers: { Location: `${path}${url.search}` },
    body: "",
  });
  const first = async (exchange: Exchange): Promise<Reply> => {
    const hasTour = await folder.existing(tourFile).then(
      () => true,
      () => false,
    );
    return hasTour && !(await workspaces.has("default"))
      ? redirect(`/lab/tree/${tourFile}`, exchange)
      : page("default", "");
  };
  const opened = ({ params }: Exchange) =>
    page(params["workspace"] ?? "default", normalize(params["path"] ?? ""));
  return [
    { method: "GET", pattern: "/", handle: (exchange) => redirect("/lab", exchange) },
    { method: "GET", pattern: "/lab", handle: first },
    { method: "GET", pattern: "/lab/tree/*path", handle: opened },
    { method: "GET", pattern: "/lab/workspaces/:workspace", handle: opened },
    { method: "GET", pattern: "/lab/workspaces/:workspace/tree/*path", handle: opened },
    { method: "GET", pattern: "/doc/tree/*path", handle: opened },
    { method: "GET", pattern: "/api/status", handle: () => ({ json: { version: options.version } }) },
    { method: "GET", pattern: "/api/me", handle: () => ({ json: { identity, permissions: {} } }) },
    { method: "GET", pattern: "/api/config/:section", handle: () => ({ json: {} }) },
    {
      method: "GET",
      pattern: "/api/resolvePath",
      handle: ({ url }) => ({ json: { path: url.searchParams.get("path") ?? "", scope: "server" } }),
    },
    {
      method: "GET",
      pattern: "/lab/api/translations/*locale",
      handle: ({ params }) => ({
        json: {
          data: params["locale"] ? {} : { en: { displayName: "English", nativeName: "English" } },
          message: "",
        },
      }),
    },
    { method: "GET", pattern: "/lab/api/licenses", handle: ({ url }) => licences(bundle.folder, url) },
    {
      method: "POST",
      pattern: "/api/shutdown",
      handle: () => {
        requestShutDown();
        return { json: {} };
      },
    },
  ];
}

const identity = {
  username: "user",
  name: "user",
  display_name: "User",
  initials: "U",
  avatar_url: null,
  color: null,
};

interface Licence {
  readonly name: string;
  readonly versionInfo: string;
  readonly licenseId: string;
  readonly extractedText: string;
}

function licences(folder: string, url: URL): Reply {
  const packages: readonly Licence[] = JSON.parse(readFileSync(join(folder, "licences.json"), "utf8"));
  const format = url.searchParams.get("format");
  if (format === "csv" || format === "markdown") {
    const rows = packages.map(({ name, versionInfo, licenseId }) => [name, versionInfo, licenseId]);
    const body =
      format === "csv"
        ? rows.map((row) => row.map((cell) => JSON.stringify(cell)).join(",")).join("\n")
        : `# Third-party licences\n\n${packages
            .map(
              (item) => `## ${item.name} ${item.versionInfo}\n\n${item.licenseId}\n\n${item.extractedText}`,
            )
            .join("\n\n")}`;
    const type = format === "csv" ? "text/csv" : "text/markdown";
    return { body: `${body}\n`, headers: { "Content-Type": `${type}; charset=utf-8` } };
  }
  return { json: { bundles: { "Assay Lab": { packages } } } };
}

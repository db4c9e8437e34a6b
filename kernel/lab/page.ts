/** The one HTML page: JupyterLab's bundle and the options that it reads when it starts. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AssayError } from "../../lib/errors.js";

/** What the set-up script's front-end step wrote. */
export interface Bundle {
  readonly folder: string;
  readonly jupyterlab: string;
  /** Scripts and style sheets of the page, in order. */
  readonly files: readonly string[];
}

/** Plugins that need what is not here, or that carry another project's name. */
const disabledPlugins = [
  "@jupyterlab/application-extension:logo",
  "@jupyterlab/apputils-extension:announcements",
  "@jupyterlab/apputils-extension:splash",
  "@jupyterlab/fileeditor-extension:language-server",
  "@jupyterlab/help-extension:about",
  "@jupyterlab/help-extension:jupyter-forum",
  "@jupyterlab/help-extension:resources",
  // Ours waits for the kernel.
  "@jupyterlab/notebook-extension:cell-executor",
  "@jupyterlab/notebook-extension:language-server",
  "@jupyterlab/services-extension:server-settings",
];

/**
 * Reads the manifest of a front-end bundle.
 *
 * @throws AssayError MISSING_DEPENDENCY if the folder holds none.
 */
export function readBundle(folder: string): Bundle {
  const manifest = join(folder, "manifest.json");
  if (!existsSync(manifest)) {
    throw new AssayError(
      "MISSING_DEPENDENCY",
      `lab: the front end has not been bundled into ${folder}. Run "node kernel/cli/setup.mjs --lab".`,
      { folder },
    );
  }
  const { jupyterlab, files } = JSON.parse(readFileSync(manifest, "utf8"));
  return { folder, jupyterlab, files };
}

export interface PageOptions {
  readonly bundle: Bundle;
  readonly version: string;
  readonly xsrfToken: string;
  readonly root: string;
  readonly workspace: string;
  /** File or folder to open, relative to the root. */
  readonly treePath: string;
  readonly isReadOnly: boolean;
}

/** The page's HTML. */
export function pageHtml({ bundle, ...options }: PageOptions): string {
  const config: Readonly<Record<string, string>> = {
    appName: "Assay",
    appNamespace: "assay",
    appUrl: "/lab",
    appVersion: options.version,
    baseUrl: "/",
    buildAvailable: "false",
    buildCheck: "false",
    cacheFiles: "false",
    devMode: "false",
    disabledExtensions: JSON.stringify(disabledPlugins),
    exposeAppInBrowser: "false",
    federated_extensions: "[]",
    jupyterlab: bundle.jupyterlab,
    licensesUrl: "/lab/api/licenses",
    mode: "multiple-document",
    notebookStartsKernel: String(!options.isReadOnly),
    quitButton: "true",
    serverRoot: options.root,
    settingsUrl: "/lab/api/settings",
    terminalsAvailable: "false",
    themesUrl: "/static/themes",
    translationsApiUrl: "/lab/api/translations",
    treePath: options.treePath,
    treeUrl: "/lab/tree",
    workspace: options.workspace,
    workspacesApiUrl: "/lab/api/workspaces",
    xsrfToken: options.xsrfToken,
  };
  const styles = bundle.files.filter((file) => file.endsWith(".css"));
  const scripts = bundle.files.filter((file) => file.endsWith(".js"));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assay</title>
<link rel="icon" type="image/svg+xml" href="/static/logo.svg" class="idle favicon">
<link rel="" type="image/svg+xml" href="/static/logo.svg" class="busy favicon">
${styles.map((file) => `<link rel="stylesheet" href="/static/${file}">`).join("\n")}
<script id="jupyter-config-data" type="application/json">${JSON.stringify(config).replaceAll("<", "\\u003c")}</script>
${scripts.map((file) => `<script defer src="/static/${file}"></script>`).join("\n")}
</head>
<body><noscript>The lab needs JavaScript.</noscript></body>
</html>
`;
}

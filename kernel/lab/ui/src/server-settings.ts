/** How the front end speaks to the lab: with the header that only this page can know. */
import { PageConfig } from "@jupyterlab/coreutils";
import { IServerSettings, ServerConnection } from "@jupyterlab/services";
import type { IPlugin } from "@lumino/coreutils";

// Jupyter's own `_xsrf` cookie is shared by all ports of a host: another server's page would overwrite ours.
const signedFetch: typeof fetch = (input, init) => {
  const request = new Request(input, init);
  request.headers.set("X-XSRFToken", PageConfig.getOption("xsrfToken"));
  return fetch(request);
};

/** Takes the place of `@jupyterlab/services-extension:server-settings`. */
export const serverSettings: IPlugin<null, ServerConnection.ISettings> = {
  id: "assay:server-settings",
  description: "Signs every request to the lab.",
  autoStart: true,
  provides: IServerSettings,
  activate: () => ServerConnection.makeSettings({ fetch: signedFetch }),
};

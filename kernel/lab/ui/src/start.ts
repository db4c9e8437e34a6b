/** Starts JupyterLab's application with the bundled extensions and our own plugins. */
import { JupyterLab } from "@jupyterlab/application";
import { PageConfig } from "@jupyterlab/coreutils";
import { IConnectionStatus, IServiceManager } from "@jupyterlab/services";
import { type IPlugin, PluginRegistry } from "@lumino/coreutils";
import { about, logo } from "./branding.js";
import { cellExecutor } from "./cell-executor.js";
import { figures } from "./figures.js";
import { serverSettings } from "./server-settings.js";
import "./style.css";

type Plugin = IPlugin<JupyterLab, unknown>;
type PluginModule = { readonly default?: Plugin | readonly Plugin[] };

const pluginsOf = (module: PluginModule): Plugin[] => {
  const exported = module.default ?? (module as unknown as Plugin);
  return Array.isArray(exported) ? [...exported] : [exported as Plugin];
};

/** Registers and starts everything. The arguments are the modules of the extension packages. */
export async function start(
  extensions: readonly PluginModule[],
  mimeExtensions: readonly PluginModule[],
): Promise<void> {
  hideToken();
  const isEnabled = ({ id }: { id: string }) => !PageConfig.Extension.isDisabled(id);
  const pluginRegistry = new PluginRegistry<JupyterLab>();
  const plugins = [
    ...extensions.flatMap(pluginsOf),
    serverSettings,
    logo,
    about,
    figures,
    cellExecutor,
  ].filter(isEnabled);
  pluginRegistry.registerPlugins(plugins as never[]);
  const lab = new JupyterLab({
    pluginRegistry,
    serviceManager: (await pluginRegistry.resolveOptionalService(IServiceManager)) as never,
    connectionStatus: (await pluginRegistry.resolveOptionalService(IConnectionStatus)) as never,
    mimeExtensions: mimeExtensions.flatMap(pluginsOf).filter(isEnabled) as never[],
    disabled: { matches: [], patterns: PageConfig.Extension.disabled.map(({ raw }) => raw) },
    deferred: { matches: [], patterns: [] },
  });
  // Notebook shortcuts such as Shift-Enter must reach the editor before the application.
  await lab.start({ ignorePlugins: [], bubblingKeydown: true } as never);
}

/** Takes the token out of the address bar: it has become a cookie, and addresses get copied. */
function hideToken(): void {
  const url = new URL(window.location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  window.history.replaceState(undefined, "", url);
}

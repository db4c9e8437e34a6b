/** Where the lab keeps what belongs to the user and not to a notebook: settings, layouts, trust. */
import { homedir } from "node:os";
import { join } from "node:path";

/** The folder of Assay's data for this user, by the custom of each system. */
export function userFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const home = homedir();
  if (platform === "darwin") return join(home, "Library", "Application Support", "assay");
  if (platform === "win32") return join(environment["APPDATA"] ?? join(home, "AppData", "Roaming"), "assay");
  return join(environment["XDG_DATA_HOME"] || join(home, ".local", "share"), "assay");
}

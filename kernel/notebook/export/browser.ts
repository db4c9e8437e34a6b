/** Finds a Chromium, Chrome or Edge on this machine, and how it is started without being asked anything. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { AssayError } from "../../../lib/errors.js";

const names = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "microsoft-edge",
  "msedge",
];

const usualPlaces: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  ],
  win32: ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap((variable) => {
    const folder = process.env[variable];
    if (folder === undefined) return [];
    return [
      join(folder, "Google/Chrome/Application/chrome.exe"),
      join(folder, "Microsoft/Edge/Application/msedge.exe"),
    ];
  }),
};

/** Flags that keep a browser quiet: no first questions, nothing sent anywhere. */
export const quietFlags: readonly string[] = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Chromium's sandbox refuses to start for root.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** The browser's file: `CHROME_PATH` if set, else the first of the known names on the path or in its usual place. */
export function findBrowser(): string | undefined {
  const named = process.env["CHROME_PATH"];
  if (named !== undefined && named !== "") return existsSync(named) ? named : undefined;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = folders.flatMap((folder) => names.map((name) => join(folder, name + suffix)));
  return [...onPath, ...(usualPlaces[process.platform] ?? [])].find((file) => existsSync(file));
}

/** The browser's file. @throws AssayError MISSING_DEPENDENCY if there is none. */
export function requireBrowser(): string {
  const browser = findBrowser();
  if (browser !== undefined) return browser;
  throw new AssayError(
    "MISSING_DEPENDENCY",
    "pdf: no Chromium, Chrome or Edge was found. Install one, or name it in the variable CHROME_PATH; HTML needs none.",
  );
}

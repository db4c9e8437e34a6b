/** The browser of the browser tests: an installed Chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const places = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Starts Chromium, or says what is missing and gives undefined. */
export async function launchChromium(): Promise<Browser | undefined> {
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) {
    process.stderr.write("SKIPPED: the browser tests need Chromium (Debian: chromium) or CHROMIUM_PATH.\n");
    return undefined;
  }
  return chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

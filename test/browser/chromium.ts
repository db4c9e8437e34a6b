/** The browser of the browser tests: an installed Chromium, driven by playwright-core. */
import { type Browser, chromium } from "playwright-core";
import { findBrowser, quietFlags } from "../../kernel/notebook/export/browser.js";

/** Starts Chromium, or says what is missing and gives undefined. */
export async function launchChromium(): Promise<Browser | undefined> {
  const executablePath = findBrowser();
  if (executablePath === undefined) {
    process.stderr.write("SKIPPED: the browser tests need Chromium (Debian: chromium) or CHROME_PATH.\n");
    return undefined;
  }
  return chromium.launch({ executablePath, args: [...quietFlags] });
}

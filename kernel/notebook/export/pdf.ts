/** A page as PDF, printed by a browser that is already on the machine. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AssayError } from "../../../lib/errors.js";
import { quietFlags, requireBrowser } from "./browser.js";

const timeoutMs = 120_000;

/**
 * Prints a self-contained page.
 *
 * @throws AssayError MISSING_DEPENDENCY if no browser is found, RUN_FAILED with the browser's own words if it fails.
 */
export async function printPdf(page: string): Promise<Uint8Array> {
  const browser = requireBrowser();
  const folder = mkdtempSync(join(tmpdir(), "assay-pdf-"));
  try {
    const [source, target] = [join(folder, "page.html"), join(folder, "page.pdf")];
    writeFileSync(source, page);
    await runBrowser(browser, [
      `--user-data-dir=${join(folder, "profile")}`,
      `--print-to-pdf=${target}`,
      "--no-pdf-header-footer",
      "--generate-pdf-document-outline",
      pathToFileURL(source).href,
    ]);
    return readFileSync(target);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function runBrowser(browser: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(browser, ["--headless", ...quietFlags, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let words = "";
    child.stderr.on("data", (chunk) => {
      words = (words + chunk).slice(-2000);
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const fail = (why: string): void =>
      reject(new AssayError("RUN_FAILED", `pdf: ${browser} failed (${why}). ${words.trim()}`, { browser }));
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else fail(signal ?? `code ${code}`);
    });
  });
}

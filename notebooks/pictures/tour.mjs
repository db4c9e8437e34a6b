/**
 * Draws tour.png of the README, the trigger search of the saved tour as the lab shows it:
 * node notebooks/pictures/tour.mjs, after node kernel/cli/setup.mjs --lab. Needs Chromium.
 */
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LabPage } from "../../dist/test/browser/lab-page.js";

const lab = await LabPage.open();
if (!lab) process.exit(1);
try {
  cpSync(fileURLToPath(new URL("..", import.meta.url)), lab.folder, { recursive: true });
  await lab.page.setViewportSize({ width: 1280, height: 900 });
  await lab.visit("00-tour.ipynb");
  await lab.page.keyboard.press("Control+b"); // puts the file browser away
  const search = lab.page.locator(".jp-OutputArea-output", { hasText: /Trigger search in fashion-cnn.onnx/ });
  await search.first().scrollIntoViewIfNeeded();
  await search.first().evaluate((output) => output.scrollIntoView({ block: "start" }));
  // Figures are drawn, and the scroll bar fades.
  await lab.page.waitForTimeout(3000);
  await lab.page.screenshot({ path: fileURLToPath(new URL("tour.png", import.meta.url)) });
} finally {
  await lab.dispose();
}

#!/usr/bin/env node
// The `assay` command. Sets up a bare clone first, so that it works before anything was built.
import { root, setUp } from "./setup.mjs";

try {
  setUp({ lab: process.argv[2] === "lab" });
} catch (error) {
  process.stderr.write(`assay: set-up stopped. ${error.message}\n`);
  process.exit(1);
}
const { main } = await import(new URL(`file://${root}/dist/kernel/cli/main.js`).href);
await main(process.argv);

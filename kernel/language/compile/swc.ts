/** The one door to swc, opened when it is first needed: most cells are never transpiled, and it loads slowly. */
import { createRequire } from "node:module";
import type * as Swc from "@swc/core";

let swc: typeof Swc | undefined;

/** As in `@swc/core`. */
export function transformSync(source: string, options: Swc.Options): Swc.Output {
  swc ??= createRequire(import.meta.url)("@swc/core") as typeof Swc;
  return swc.transformSync(source, options);
}

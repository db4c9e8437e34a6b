/** Reading the reference data under test/fixtures. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./paths.js";

/** Path of a file under test/fixtures. */
export const fixturePath = (...parts: string[]): string => join(packageRoot, "test/fixtures", ...parts);

/** A JSON file under test/fixtures, as the shape that its script writes. */
export function readFixture<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(fixturePath(...parts), "utf8")) as T;
}

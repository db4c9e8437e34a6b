/** Where the tests find the project's files. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds package.json. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), "../../..");

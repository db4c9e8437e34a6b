/** Keeps each model's result on disk, so that a killed bench goes on where it was. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Results by key. The key must name everything that the result depends on except the code of `lib`. */
export interface ScoreStore {
  /** The stored result, or that of `make`, stored. */
  keep<T>(key: string, make: () => Promise<T>): Promise<T>;
}

/**
 * A store in the cache folder of the user.
 *
 * @param folders Folders of `lib` whose code makes the results: a change in one of them starts afresh.
 */
export async function scoreStore(folders: readonly string[]): Promise<ScoreStore> {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(process.env["ASSAY_BENCH"] || join(cache, "assay", "bench"), await digestOf(folders));
  await mkdir(folder, { recursive: true });
  return {
    async keep(key, make) {
      const path = join(folder, `${createHash("sha256").update(key).digest("hex").slice(0, 40)}.json`);
      try {
        return JSON.parse(await readFile(path, "utf8"));
      } catch {
        const made = await make();
        await writeFile(`${path}.part`, JSON.stringify(made));
        await rename(`${path}.part`, path);
        return made;
      }
    },
  };
}

/** A store that keeps nothing. */
export const noStore: ScoreStore = { keep: (_key, make) => make() };

async function digestOf(folders: readonly string[]): Promise<string> {
  const lib = join(dirname(fileURLToPath(import.meta.url)), "..");
  const hash = createHash("sha256");
  for (const folder of [...folders].sort()) {
    const files = (await readdir(join(lib, folder), { recursive: true })).filter((file) =>
      file.endsWith(".js"),
    );
    for (const file of files.sort()) hash.update(file).update(await readFile(join(lib, folder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

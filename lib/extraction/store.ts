/** Keeps finished searches on disk, so that a killed audit goes on where it was and references serve many audits. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FoundMask } from "./images/masks/mask-search.js";

/** Where finished searches are kept. No verb ever fails: without a store an audit only takes longer. */
export interface InversionStore {
  /** The masks of a search done before, or undefined. */
  read(key: string): Promise<FoundMask[] | undefined>;
  write(key: string, masks: readonly FoundMask[]): Promise<void>;
  /** A result that is plain data, or undefined. */
  readPlain(key: string): Promise<unknown>;
  writePlain(key: string, value: unknown): Promise<void>;
}

/** Keeps nothing. */
export const noInversionStore: InversionStore = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  readPlain: () => Promise.resolve(undefined),
  writePlain: () => Promise.resolve(),
};

/** Searches kept at most; the oldest go first. A search of 90 pairs takes about 800 kB. */
const MAX_FILES = 200;
const FORMAT = 1;

/**
 * A store in a folder.
 *
 * @param onProblem Told once if the folder cannot be written, e.g. because the disk is full.
 */
export function folderStore(folder: string, onProblem: (message: string) => void): InversionStore {
  let isBroken = false;
  const pathOf = (key: string): string =>
    join(folder, `${createHash("sha256").update(`${FORMAT} ${key}`).digest("hex").slice(0, 40)}.json`);
  const self: InversionStore = {
    async read(key) {
      try {
        return ((await self.readPlain(key)) as StoredMask[] | undefined)?.map(unpack);
      } catch {
        return undefined;
      }
    },
    write: (key, masks) => self.writePlain(key, masks.map(pack)),
    async readPlain(key) {
      try {
        return JSON.parse(await readFile(pathOf(key), "utf8"));
      } catch {
        // Never stored, or damaged: it is searched again.
        return undefined;
      }
    },
    async writePlain(key, value) {
      if (isBroken) return;
      const path = pathOf(key);
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(`${path}.${process.pid}`, JSON.stringify(value));
        await rename(`${path}.${process.pid}`, path);
        await prune(folder);
      } catch (error) {
        isBroken = true;
        await rm(`${path}.${process.pid}`, { force: true }).catch(() => undefined);
        onProblem(
          `Finished searches cannot be kept in ${folder}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    },
  };
  return self;
}

type StoredMask = Omit<FoundMask, "mask" | "pattern"> & { readonly mask: string; readonly pattern: string };

const pack = (found: FoundMask): StoredMask => ({
  ...found,
  mask: base64(found.mask),
  pattern: base64(found.pattern),
});
const unpack = (stored: StoredMask): FoundMask => ({
  ...stored,
  mask: floats(stored.mask),
  pattern: floats(stored.pattern),
});

const base64 = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

const floats = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

async function prune(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
  if (files.length <= MAX_FILES) return;
  const dated = await Promise.all(
    files.map(async (file) => ({ file, time: (await stat(join(folder, file))).mtimeMs })),
  );
  dated.sort((a, b) => a.time - b.time);
  await Promise.all(
    dated.slice(0, files.length - MAX_FILES).map(({ file }) => rm(join(folder, file), { force: true })),
  );
}

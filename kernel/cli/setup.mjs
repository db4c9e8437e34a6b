// Brings a bare clone to a runnable state, and does nothing when there is nothing to do.
// Has no dependencies: it is what installs them. Progress goes to standard error, one line per step.
//
//   node kernel/cli/setup.mjs [--lab] [--quiet]
//
// install    npm ci, when package-lock.json differs from the one last installed
// build      TypeScript project references, when a source is newer than the last build
// front end  --lab: bundles JupyterLab from kernel/lab/ui, when its stamp differs
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const dist = join(root, "dist");

/** Runs every stale step. Throws an Error whose message says which step failed and shows its output. */
export function setUp({ lab = false, quiet = false } = {}) {
  // A published package holds built files only: nothing to set up.
  if (!existsSync(join(root, "tsconfig.base.json"))) return;
  const say = (line) => quiet || process.stderr.write(`assay: ${line}\n`);
  step(say, "install", installStamp, () => run("npm", ["ci", "--no-audit", "--no-fund"], root));
  step(say, "build", buildStamp, () => {
    run(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-b", join(root, "tsconfig.json")],
      root,
    );
    removeOrphans();
  });
  if (lab && existsSync(join(root, "kernel/lab/ui/package-lock.json"))) {
    step(say, "front end", frontEndStamp, bundleFrontEnd);
  }
}

function step(say, name, stampOf, work) {
  const file = join(dist, `.stamp-${name.replace(" ", "-")}`);
  const isDone = () => existsSync(file) && readFileSync(file, "utf8") === stampOf();
  if (isDone()) return;
  holdingLock(say, () => {
    if (isDone()) return;
    say(`${name} …`);
    const start = performance.now();
    rmSync(file, { force: true });
    work();
    writeFileSync(file, stampOf());
    say(`${name} done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  });
}

/** Two commands started at once on a bare clone must not install into each other's feet. */
function holdingLock(say, work) {
  const lock = join(dist, ".set-up-lock");
  mkdirSync(dist, { recursive: true });
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") {
        // On a full disk the file is made and stays empty.
        rmSync(lock, { force: true });
        throw error;
      }
    }
    if (!isHeld(lock)) rmSync(lock, { force: true });
    else {
      if (waited === 0) say("waiting for another set-up of this folder …");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Milliseconds that a lock may be without its holder's number: between being made and being written. */
const UNWRITTEN = 2000;

function isHeld(lock) {
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    // Not 0: that would ask after our own process group. A holder killed while writing leaves an empty file.
    if (!(holder >= 1)) return Date.now() - statSync(lock).mtimeMs < UNWRITTEN;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    // EPERM: the holder lives, but belongs to somebody else.
    return error.code === "EPERM";
  }
}

/** The compiler leaves the output of deleted sources behind, and mocha would go on running deleted tests. */
function removeOrphans() {
  for (const folder of ["lib", "kernel", "test"]) {
    const output = join(dist, folder);
    for (const file of existsSync(output) ? readdirSync(output, { recursive: true, encoding: "utf8" }) : []) {
      const source = /^(.*?)\.(?:d\.ts|js)(?:\.map)?$/.exec(file)?.[1];
      if (source && !["ts", "tsx"].some((ending) => existsSync(join(root, folder, `${source}.${ending}`)))) {
        rmSync(join(output, file));
      }
    }
  }
}

function run(command, args, cwd) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32" && command === "npm",
    maxBuffer: 1 << 28,
  });
  if (result.status === 0) return;
  const why = result.error ? result.error.message : `${result.stdout}\n${result.stderr}`.trim();
  throw new Error(
    `${[command, ...args].join(" ")} failed in ${relative(process.cwd(), cwd) || "."}:\n${why}`,
  );
}

const hashFiles = (files) => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(relative(root, file)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
};

const installStamp = () =>
  existsSync(join(root, "node_modules/.package-lock.json"))
    ? hashFiles([join(root, "package-lock.json"), join(root, ".npmrc")])
    : "nothing installed";

/** Names, sizes and times of all sources: reading none of them keeps a second start fast. */
function buildStamp() {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(root, "tsconfig.base.json")));
  for (const folder of ["lib", "kernel", "test"]) {
    for (const file of sources(join(root, folder))) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${relative(root, file)}\0${size}\0${mtimeMs}\n`);
    }
  }
  return hash.digest("hex");
}

function sources(folder, found = []) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules" && entry.name !== "fixtures") sources(path, found);
    } else if (/\.ts$|^tsconfig\.json$/.test(entry.name)) found.push(path);
  }
  return found;
}

const ui = join(root, "kernel/lab/ui");

function frontEndStamp() {
  if (!existsSync(join(dist, "lab-ui/manifest.json"))) return "nothing bundled";
  const files = readdirSync(ui, { withFileTypes: true })
    .filter((entry) => entry.name !== "node_modules")
    .flatMap((entry) => {
      const path = join(ui, entry.name);
      if (entry.isFile()) return [path];
      return readdirSync(path, { recursive: true, encoding: "utf8" })
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile());
    });
  return hashFiles(files.sort());
}

/** The front end's 200 MB of build dependencies are needed for this minute only. */
function bundleFrontEnd() {
  try {
    run("npm", ["ci", "--no-audit", "--no-fund"], ui);
    run("npm", ["run", "bundle"], ui);
  } finally {
    rmSync(join(ui, "node_modules"), { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp({ lab: process.argv.includes("--lab"), quiet: process.argv.includes("--quiet") });
  } catch (error) {
    process.stderr.write(`assay: set-up stopped. ${error.message}\n`);
    process.exit(1);
  }
}

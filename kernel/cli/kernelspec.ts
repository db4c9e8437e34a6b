/** Kernelspecs: where Jupyter looks for them, and what Assay's says. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AssayError } from "../../lib/errors.js";

/** The supervisor's entry, which Jupyter starts. */
export const SERVER = fileURLToPath(new URL("../server/main.js", import.meta.url));

/** Where a kernelspec goes: a prefix such as a virtual environment, or the user's own Jupyter folder. */
export interface Place {
  readonly prefix?: string;
  readonly name: string;
}

/** Content of kernel.json. Node's path is absolute, since front ends seldom have the terminal's PATH. */
export function kernelspec(): Readonly<Record<string, unknown>> {
  return {
    argv: [process.execPath, SERVER, "{connection_file}"],
    display_name: "Assay (TypeScript)",
    language: "typescript",
    interrupt_mode: "message",
    metadata: { debugger: false, assay: true },
  };
}

/** The folder of a kernelspec. */
export function specFolder({ prefix, name }: Place): string {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `The kernel name "${name}" may hold letters, digits, ".", "_" and "-" only.`,
      {
        name,
      },
    );
  }
  const data = prefix === undefined ? userDataFolder() : join(resolve(prefix), "share", "jupyter");
  return join(data, "kernels", name);
}

/** Writes the kernelspec; an older one of that name is replaced. Returns its folder. */
export function writeSpec(place: Place): string {
  const folder = specFolder(place);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "kernel.json"), `${JSON.stringify(kernelspec(), null, 2)}\n`);
    writeFileSync(join(folder, "logo-svg.svg"), LOGO);
  } catch (error) {
    const why = (error as Error).message;
    throw new AssayError(
      "OUTSIDE_FOLDER",
      `The kernelspec cannot be written: ${why}. Choose a folder of your own with --prefix, or use --user.`,
      { folder },
      { cause: error },
    );
  }
  return folder;
}

/** Removes the kernelspec; says whether there was one. Never removes another kernel's. */
export function removeSpec(place: Place): { readonly folder: string; readonly removed: boolean } {
  const folder = specFolder(place);
  const spec = readSpec(folder);
  if (!spec) return { folder, removed: false };
  if (!spec.metadata?.assay) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `${folder} holds another kernel, "${spec.display_name}"; it stays.`,
      {
        folder,
      },
    );
  }
  rmSync(folder, { recursive: true });
  return { folder, removed: true };
}

/** What is read of an installed kernel.json. */
export interface InstalledSpec {
  readonly argv?: readonly string[];
  readonly display_name?: string;
  readonly metadata?: { readonly assay?: boolean };
}

/** The kernelspec in a folder, or nothing if there is none that can be read. */
export function readSpec(folder: string): InstalledSpec | undefined {
  const file = join(folder, "kernel.json");
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as InstalledSpec;
  } catch {
    return {};
  }
}

/** Jupyter's folder for the data of one user. */
function userDataFolder(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32") return join(APPDATA ?? homedir(), "jupyter");
  return join(XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}

/** A balance: what an assay is done with. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect width="64" height="64" rx="12" fill="#1f4e79"/>
<g fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round">
<path d="M32 12v38M22 52h20M14 20h36"/><path d="M7 38l7-18 7 18a7 7 0 0 1-14 0zM43 38l7-18 7 18a7 7 0 0 1-14 0z"/>
</g></svg>
`;

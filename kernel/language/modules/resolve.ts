/** Which file a specifier means, when it means a file of the user's own rather than a package. */
import { statSync } from "node:fs";
import { dirname, isAbsolute, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** TypeScript is imported by the name of the JavaScript that would be made of it. */
const sourcesOf: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"],
};
const extensions = [".ts", ".tsx", ".mts", ".js", ".mjs", ".cjs", ".jsx", ".json"];

/**
 * The file that `specifier` means in a file of `folder`, or null for packages, Node's modules and files that
 * do not exist. Relative paths, absolute paths, `file:` addresses and the aliases of tsconfig.json count.
 */
export function resolveLocal(
  specifier: string,
  folder: string,
  paths: Readonly<Record<string, readonly string[]>>,
): string | null {
  for (const path of candidatesOf(specifier, folder, paths)) {
    const file = fileAt(path);
    if (file !== null && !file.includes(`${sep}node_modules${sep}`)) return file;
  }
  return null;
}

function candidatesOf(
  specifier: string,
  folder: string,
  paths: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  if (specifier.startsWith("file:")) return [fileURLToPath(specifier)];
  if (/^\.{1,2}(?:\/|$)/.test(specifier) || isAbsolute(specifier)) return [resolve(folder, specifier)];
  for (const [pattern, targets] of aliasesByLength(paths)) {
    const matched = matchAlias(specifier, pattern);
    if (matched !== null) return targets.map((target) => target.replace("*", () => matched));
  }
  return [];
}

/** The longest part before the star wins, as in TypeScript. */
const aliasesByLength = (paths: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(paths).sort(([a], [b]) => stemOf(b).length - stemOf(a).length);

const stemOf = (pattern: string): string => pattern.split("*")[0]!;

/** What the star of an alias stands for, empty without a star, or null when it does not match. */
function matchAlias(specifier: string, pattern: string): string | null {
  const star = pattern.indexOf("*");
  if (star < 0) return specifier === pattern ? "" : null;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const fits =
    specifier.length >= before.length + after.length &&
    specifier.startsWith(before) &&
    specifier.endsWith(after);
  return fits ? specifier.slice(before.length, specifier.length - after.length) : null;
}

function fileAt(path: string): string | null {
  if (kindOf(path) === "file") return path;
  const extension = /\.[cm]?jsx?$/.exec(path)?.[0] ?? "";
  const stem = path.slice(0, path.length - extension.length);
  const tries = [
    ...(sourcesOf[extension] ?? []).map((source) => stem + source),
    ...extensions.map((added) => path + added),
    ...(kindOf(path) === "folder" ? extensions.map((added) => resolve(path, `index${added}`)) : []),
  ];
  return tries.find((file) => kindOf(file) === "file") ?? null;
}

function kindOf(path: string): "file" | "folder" | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? "file" : stats?.isDirectory() ? "folder" : null;
}

/** Whether a file holds ECMAScript modules, TypeScript included, as opposed to CommonJS. */
export function isEsModule(file: string, packageType: (folder: string) => string | undefined): boolean {
  if (/\.(?:mts|mjs|tsx?)$/.test(file)) return true;
  return /\.jsx?$/.test(file) && packageType(dirname(file)) === "module";
}

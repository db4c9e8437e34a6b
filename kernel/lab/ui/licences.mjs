// The licences of every package of which at least one module is in the bundle.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** `[{ name, versionInfo, licenseId, extractedText }]`, in the form that the lab's licence viewer reads. */
export function thirdPartyLicences(stats, here) {
  const { modules } = stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: 1e9 });
  const folders = new Set();
  collectFolders(modules, here, folders);
  return [...folders]
    .map(describe)
    .filter(({ name }) => name)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function collectFolders(modules, here, folders) {
  for (const module of modules ?? []) {
    const path = module.nameForCondition ?? "";
    if (path.includes(`${sep}node_modules${sep}`) && !path.includes(`${sep}.assay${sep}`)) {
      folders.add(packageFolder(dirname(path), here));
    }
    collectFolders(module.modules, here, folders);
  }
}

/** The nearest folder upwards whose package.json has a name; some packages put nameless ones in between. */
function packageFolder(folder, here) {
  for (let current = folder; current !== here; current = dirname(current)) {
    const file = join(current, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).version) return current;
  }
  throw new Error(`licences: no package.json above ${folder}`);
}

function describe(folder) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
  return {
    name,
    versionInfo: version,
    licenseId: license ?? licenses?.map(({ type }) => type).join(" OR ") ?? "",
    extractedText: file ? readFileSync(join(folder, file), "utf8") : "",
  };
}

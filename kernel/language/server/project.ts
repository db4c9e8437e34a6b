/** The project that the cells form for TypeScript: compiler options and the globals of a cell. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readProjectSettings } from "../tsconfig.js";

const packageRoot = fileURLToPath(new URL("../../../..", import.meta.url));
const require = createRequire(import.meta.url);

export interface CellProject {
  readonly configFile: string;
  /** Files in memory: the configuration and the declarations of what cells have without importing it. */
  readonly files: ReadonlyMap<string, string>;
}

/** Lays out the project of a notebook's folder; the user's own tsconfig.json is extended. */
export function layOutProject(folder: string, roots: readonly string[]): CellProject {
  const configFile = join(folder, "__cells.tsconfig.json");
  const globalsFile = join(folder, "__globals.d.ts");
  const settings = readProjectSettings(folder);
  const nodeTypes = dirname(require.resolve("@types/node/package.json"));
  const config = {
    ...(settings.file === null ? {} : { extends: settings.file }),
    compilerOptions: {
      ...defaultsBeside(settings.chosen),
      target: "esnext",
      module: "esnext",
      moduleResolution: "bundler",
      moduleDetection: "force",
      lib: ["esnext"],
      types: ["node"],
      typeRoots: [...typeRootsAbove(folder), dirname(nodeTypes)],
      paths: { ...settings.paths, ...ownPackages(folder) },
      skipLibCheck: true,
      allowJs: true,
      resolveJsonModule: true,
      esModuleInterop: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedModules: false,
      isolatedDeclarations: false,
      verbatimModuleSyntax: false,
      erasableSyntaxOnly: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: [globalsFile, ...roots],
    include: [],
    references: [],
  };
  return {
    configFile,
    files: new Map([
      [configFile, JSON.stringify(config)],
      [globalsFile, globalsText()],
    ]),
  };
}

/** Strict where types are written, lenient where they are not: a notebook is also a place for sketches. */
function defaultsBeside(chosen: ReadonlySet<string>): Record<string, unknown> {
  const isStrictnessChosen = chosen.has("strict") || chosen.has("noImplicitAny");
  return {
    ...(isStrictnessChosen ? {} : { strict: true, noImplicitAny: false }),
    ...(chosen.has("jsx") ? {} : { jsx: "react" }),
  };
}

/** The globals of CONTRACT 5, with the types that the kernel's own module gives them. */
function globalsText(): string {
  const kernel = JSON.stringify(join(packageRoot, "dist/kernel/index.js"));
  const names = ["display", "clearOutput", "input", "comm"];
  const lines = names.map((name) => `  var ${name}: typeof import(${kernel}).${name};`);
  return `export {};\ndeclare global {\n${lines.join("\n")}\n}\n`;
}

/** Folders of type packages from the notebook's folder upwards. */
function typeRootsAbove(folder: string): string[] {
  const own = join(folder, "node_modules/@types");
  const parent = dirname(folder);
  return [...(existsSync(own) ? [own] : []), ...(parent === folder ? [] : typeRootsAbove(parent))];
}

/** What cells may import although the folder does not have it: this package, and tslab. */
function ownPackages(folder: string): Record<string, readonly string[]> {
  const resolves = (name: string): boolean => {
    for (let at = folder; ; at = dirname(at)) {
      if (existsSync(join(at, "node_modules", name))) return true;
      if (dirname(at) === at) return false;
    }
  };
  const isOwn = folder === packageRoot || `${folder}/`.startsWith(packageRoot);
  return {
    ...(resolves("assay") || isOwn
      ? {}
      : {
          assay: [join(packageRoot, "dist/lib/index.d.ts")],
          "assay/kernel": [join(packageRoot, "dist/kernel/index.d.ts")],
        }),
    ...(resolves("tslab") ? {} : { tslab: [dirname(require.resolve("tslab/package.json"))] }),
  };
}

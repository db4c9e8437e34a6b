/**
 * Modules of the user's own files. Each is linked by us, under the hash of all that it reaches: after an
 * edit, it and what imports it are new modules on the next import, while everything else stays as it was.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type { ExportNamedDeclaration } from "oxc-parser";
import { isTypeOnly } from "../compile/erase.js";
import { topLevelNames } from "../compile/names.js";
import { parseSource } from "../compile/parse.js";
import { transformSync } from "../compile/swc.js";
import type { Node } from "../compile/syntax-tree.js";
import { syntaxOf, transpilerOptions } from "../compile/transpile.js";
import { loadedModules } from "../process-state.js";
import type { CellMeta, SyntaxOptions } from "../types.js";
import { isEsModule, resolveLocal } from "./resolve.js";

type Namespace = Readonly<Record<string, unknown>>;

export interface LocalModulesOptions {
  /** Aliases of tsconfig.json. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
  readonly syntax: SyntaxOptions;
  /** Imports what is not a file of the user's own, as seen from a folder. */
  readonly importPackage: (
    specifier: string,
    folder: string,
    attributes: Readonly<Record<string, string>>,
  ) => Promise<Namespace>;
}

interface LocalFile {
  readonly source: string;
  readonly language: "ts" | "tsx";
  /** Files that it imports statically, by specifier. */
  readonly imports: ReadonlyMap<string, string>;
  /** Exports that are types only. */
  readonly types: readonly string[];
}

const largestFile = 16 * 2 ** 20;

/** Loads the user's modules; `import` is the way in. */
export class LocalModules {
  readonly #options: LocalModulesOptions;
  readonly #modules = new Map<string, vm.SourceTextModule>();
  readonly #packages = new WeakMap<Namespace, vm.SyntheticModule>();
  readonly #commonJs = new Map<string, string>();
  /** Linking is one at a time: Node refuses to link a module that another import is just linking. */
  #linking: Promise<unknown> = Promise.resolve();

  constructor(options: LocalModulesOptions) {
    this.#options = options;
  }

  /** Imports as a file of `folder` would. */
  async import(
    specifier: string,
    folder: string,
    attributes: Readonly<Record<string, string>>,
  ): Promise<Namespace> {
    const file = resolveLocal(specifier, folder, this.#options.paths);
    if (file === null) return await this.#options.importPackage(specifier, folder, attributes);
    if (file.endsWith(".json")) return { default: JSON.parse(readText(file)) };
    if (!isEsModule(file, packageType)) return await this.#importCommonJs(file);
    const linked = this.#linking.then(async () => await this.#link(file));
    this.#linking = linked.catch(() => {});
    const module = await linked;
    await module.evaluate();
    return module.namespace as Namespace;
  }

  /** `import.meta` of a file. */
  metaOf(file: string): CellMeta {
    return {
      url: pathToFileURL(file).href,
      dirname: dirname(file),
      filename: file,
      resolve: (specifier) => {
        const local = resolveLocal(specifier, dirname(file), this.#options.paths);
        if (local !== null) return pathToFileURL(local).href;
        const found = createRequire(file).resolve(specifier);
        return found.startsWith("/") || /^[A-Za-z]:\\/.test(found)
          ? pathToFileURL(found).href
          : `node:${found.replace(/^node:/, "")}`;
      },
    };
  }

  async #link(entry: string): Promise<vm.SourceTextModule> {
    const files = this.#readGraph(entry);
    const versions = versionsOf(files);
    const moduleOf = (file: string): vm.SourceTextModule =>
      this.#moduleOf(file, files.get(file)!, versions.get(file)!);
    const module = moduleOf(entry);
    if (module.status === "unlinked")
      await module.link(async (specifier, from, { attributes }) => {
        const file = files.get(from.identifier)?.imports.get(specifier);
        if (file !== undefined && files.has(file)) return moduleOf(file);
        const given = (attributes ?? {}) as Readonly<Record<string, string>>;
        return this.#wrap(await this.import(specifier, dirname(from.identifier), given), specifier);
      });
    return module;
  }

  #moduleOf(file: string, { source, language, types }: LocalFile, version: string): vm.SourceTextModule {
    const key = `${file}\0${version}`;
    const known = this.#modules.get(key);
    if (known && known.status !== "errored") return known;
    const { code, map = "" } = transformSync(
      source,
      transpilerOptions(file, language, true, syntaxOf(source, this.#options.syntax)),
    );
    loadedModules.set(file, { source, map });
    // Another file may hand a type on without saying that it is one; it finds an export that is undefined.
    const undefinedExports = types.length === 0 ? "" : `\nexport let ${types.join(", ")};`;
    const module = new vm.SourceTextModule(code + undefinedExports, {
      identifier: file,
      initializeImportMeta: (meta) => void Object.assign(meta, this.metaOf(file)),
      importModuleDynamically: async (specifier, _from, attributes) =>
        (await this.import(
          specifier,
          dirname(file),
          attributes as Record<string, string>,
        )) as unknown as vm.Module,
    });
    this.#modules.set(key, module);
    return module;
  }

  /** A namespace as a module that others can link to. */
  #wrap(namespace: Namespace, specifier: string): vm.Module {
    const known = this.#packages.get(namespace);
    if (known) return known;
    const names = Object.keys(namespace);
    const module = new vm.SyntheticModule(
      names,
      () => {
        for (const name of names) module.setExport(name, namespace[name]);
      },
      { identifier: specifier },
    );
    this.#packages.set(namespace, module);
    return module;
  }

  async #importCommonJs(file: string): Promise<Namespace> {
    const require = createRequire(file);
    const version = hash(readText(file));
    if (this.#commonJs.get(file) !== version) delete require.cache[file];
    this.#commonJs.set(file, version);
    const exports: unknown = require(file);
    const named = typeof exports === "object" && exports !== null ? exports : {};
    return { ...named, default: exports };
  }

  /** Reads a file and all local modules that it reaches by static imports. */
  #readGraph(entry: string): Map<string, LocalFile> {
    const files = new Map<string, LocalFile>();
    const open = [entry];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (files.has(file)) continue;
      const read = this.#read(file);
      files.set(file, read);
      open.push(...read.imports.values());
    }
    return files;
  }

  #read(file: string): LocalFile {
    const source = readText(file);
    const { result, language } = parseSource(source, file);
    const { staticImports, staticExports } = result.module;
    const specifiers = [
      ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
      ...staticExports.flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
      ),
    ];
    const imports = new Map<string, string>();
    for (const specifier of specifiers) {
      const target = resolveLocal(specifier, dirname(file), this.#options.paths);
      if (target !== null && isEsModule(target, packageType)) imports.set(specifier, target);
    }
    const types = typesOnly(result.program.body);
    return { source, types, language: /\.[jt]sx$/.test(file) ? "tsx" : language, imports };
  }
}

/** Names that a file declares and exports as types, and as nothing else. */
function typesOnly(statements: readonly Node[]): string[] {
  const types = new Set<string>();
  for (const statement of statements) {
    const { declaration } = statement as ExportNamedDeclaration;
    if (statement.type !== "ExportNamedDeclaration" || !isTypeOnly(declaration)) continue;
    for (const { name } of topLevelNames([statement])) types.add(name);
  }
  const values = statements.filter((statement) => {
    const { declaration } = statement as ExportNamedDeclaration;
    return (
      !isTypeOnly(statement) && !(statement.type === "ExportNamedDeclaration" && isTypeOnly(declaration))
    );
  });
  for (const { name } of topLevelNames(values)) types.delete(name);
  return [...types];
}

/** For each file, a hash of it and of all that it reaches. */
function versionsOf(files: ReadonlyMap<string, LocalFile>): Map<string, string> {
  const own = new Map([...files].map(([file, { source }]) => [file, hash(source)]));
  const versions = new Map<string, string>();
  for (const start of files.keys()) {
    const reached = new Set<string>();
    const open = [start];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      open.push(...(files.get(file)?.imports.values() ?? []));
    }
    versions.set(
      start,
      hash(
        [...reached]
          .sort()
          .map((file) => `${file}\0${own.get(file)}`)
          .join("\n"),
      ),
    );
  }
  return versions;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("base64");

function readText(file: string): string {
  const text = readFileSync(file, "utf8");
  if (text.length > largestFile) throw new RangeError(`${file}: a module of more than 16 MB is not loaded.`);
  return text;
}

/** The `type` of the nearest package.json. */
function packageType(folder: string): string | undefined {
  const file = join(folder, "package.json");
  if (existsSync(file)) {
    const { type } = JSON.parse(readText(file)) as { readonly type?: string };
    return type;
  }
  const parent = dirname(folder);
  return parent === folder ? undefined : packageType(parent);
}

/**
 * The cells of a notebook as TypeScript sees them: each cell is a module of its own, and one file declares
 * all of their names global. A cell's text stands at the start of its file as the user wrote it, so offsets
 * need no mapping; a name that is declared again merely points to the newer module.
 */
import { join } from "node:path";
import { type DeclaredName, topLevelNames } from "../compile/names.js";
import { readingsOf } from "../compile/parse.js";

/** Modules are added this many at a time: a new file changes the import structure, which is slow. */
const batch = 64;

const platformNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

interface CommittedCell {
  readonly code: string;
  readonly language: "ts" | "tsx";
  readonly names: readonly DeclaredName[];
  /** Names of other cells that it used, and the module that had them at the time. */
  readonly uses: ReadonlyMap<string, number>;
}

/** Files in memory, and who declares what. */
export class Workspace {
  readonly #folder: string;
  readonly #files = new Map<string, string>();
  readonly #cells = new Map<number, CommittedCell>();
  readonly #owners = new Map<string, number>();
  #size = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#files.set(this.draft("ts"), "export {};\n");
    this.#files.set(this.draft("tsx"), "export {};\n");
    this.#files.set(this.probe, "globalThis.;\nexport {};\n");
    this.#grow();
  }

  get files(): ReadonlyMap<string, string> {
    return this.#files;
  }

  /** The files that make up the program. */
  get roots(): readonly string[] {
    return [this.#globals, this.draft("ts"), this.draft("tsx"), this.probe];
  }

  /** Names of all cells that ran, types included. */
  get names(): readonly string[] {
    return [...this.#owners.keys()];
  }

  /** A file that is asked, at `probeOffset`, what is global. */
  get probe(): string {
    return join(this.#folder, "__probe.ts");
  }

  readonly probeOffset = "globalThis.".length;

  /** The file that holds a cell which is still being written. */
  draft(language: "ts" | "tsx"): string {
    return join(this.#folder, `__draft.${language}`);
  }

  /** Puts a text into the draft and returns its file. */
  setDraft(code: string, language: "ts" | "tsx"): string {
    const file = this.draft(language);
    const collisions = new Map(
      [...this.#owners].filter(([name]) => platformNames.has(name) && mentions(code, name)),
    );
    this.#files.set(file, `${code}\nexport {};\n${this.#pinsOf(collisions)}`);
    return file;
  }

  /** Whether an assignment to a name from another cell is an error. */
  isAssignable(name: string): boolean {
    const owner = this.#cells.get(this.#owners.get(name) ?? -1);
    return owner?.names.some((declared) => declared.name === name && declared.isAssignable) === true;
  }

  /** Takes in a cell that ran. Returns the files that changed. */
  commit(code: string): readonly string[] {
    const reading = [...readingsOf(code)].find(({ result }) => result.errors.length === 0);
    if (!reading) return [];
    const names = topLevelNames(reading.result.program.body);
    if (names.length === 0) return [];
    const own = new Set(names.map(({ name }) => name));
    const uses = new Map([...this.#owners].filter(([name]) => !own.has(name) && mentions(code, name)));
    const slot = this.#freeSlot();
    this.#cells.set(slot, { code, language: reading.language, names, uses });
    const replaced = new Set<string>();
    for (const { name } of names) {
      if (this.#owners.has(name)) replaced.add(name);
      this.#owners.set(name, slot);
    }
    return [...this.#writeCells(slot, replaced), ...this.#release(), this.#writeGlobals()];
  }

  /** Writes the new cell, and those that used a name which now means something else. */
  #writeCells(added: number, replaced: ReadonlySet<string>): string[] {
    const changed: string[] = [];
    for (const [slot, cell] of this.#cells) {
      const isTouched = slot === added || [...cell.uses.keys()].some((name) => replaced.has(name));
      if (!isTouched) continue;
      const pins = [...cell.uses].filter(
        ([name, owner]) => this.#owners.get(name) !== owner || platformNames.has(name),
      );
      const exported = cell.names.filter(({ isExported }) => !isExported).map(({ name }) => name);
      const text = `${cell.code}\nexport { ${exported.join(", ")} };\n${this.#pinsOf(new Map(pins))}`;
      const file = this.#file(slot, cell.language);
      this.#files.set(file, text);
      changed.push(file);
    }
    return changed;
  }

  /** Empties modules that nothing refers to any more, so that re-running a cell costs no memory. */
  #release(): string[] {
    const changed: string[] = [];
    for (let isDone = false; !isDone; ) {
      const used = new Set(this.#owners.values());
      for (const { uses } of this.#cells.values()) for (const owner of uses.values()) used.add(owner);
      const dead = [...this.#cells].find(([slot]) => !used.has(slot));
      isDone = dead === undefined;
      if (!dead) continue;
      const [slot, { language }] = dead;
      this.#cells.delete(slot);
      this.#files.set(this.#file(slot, language), "export {};\n");
      changed.push(this.#file(slot, language));
    }
    return changed;
  }

  #freeSlot(): number {
    for (let slot = 0; slot < this.#size; slot++) if (!this.#cells.has(slot)) return slot;
    this.#grow();
    return this.#size - batch;
  }

  #grow(): void {
    for (let slot = this.#size; slot < this.#size + batch; slot++)
      this.#files.set(this.#file(slot, "ts"), "export {};\n");
    this.#size += batch;
    this.#writeGlobals();
  }

  #writeGlobals(): string {
    const imports: string[] = [];
    for (let slot = 0; slot < this.#size; slot++) {
      imports.push(`import * as ${moduleName(slot)} from ${this.#specifier(slot)};`);
    }
    const names = [...this.#owners].filter(([name]) => !platformNames.has(name));
    // An alias carries types and namespaces as well, but cannot be assigned to.
    const aliases = names.map(([name, slot]) =>
      this.#cells.get(slot)?.names.some((declared) => declared.name === name && declared.isVariable)
        ? `var ${name}: typeof ${moduleName(slot)}.${name};`
        : `export import ${name} = ${moduleName(slot)}.${name};`,
    );
    this.#files.set(
      this.#globals,
      `${imports.join("\n")}\ndeclare global {\n${aliases.join("\n")}\n}\nexport {};\n`,
    );
    return this.#globals;
  }

  /** Imports behind a cell's text that hold names to the modules that had them. */
  #pinsOf(pins: ReadonlyMap<string, number>): string {
    const lines = [...pins].map(
      ([name, slot]) =>
        `import * as __of_${name} from ${this.#specifier(slot)}; import ${name} = __of_${name}.${name};`,
    );
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }

  #specifier(slot: number): string {
    return JSON.stringify(`./__cell_${slot}${this.#cells.get(slot)?.language === "tsx" ? ".tsx" : ""}`);
  }

  get #globals(): string {
    return join(this.#folder, "__cells.ts");
  }

  #file(slot: number, language: "ts" | "tsx"): string {
    return join(this.#folder, `__cell_${slot}.${language}`);
  }
}

const moduleName = (slot: number): string => `__cell_${slot}`;

/** Whether a name occurs in a text as a word; one too many does no harm. */
function mentions(code: string, name: string): boolean {
  for (let at = code.indexOf(name); at >= 0; at = code.indexOf(name, at + 1)) {
    const isWord = (character: string | undefined): boolean => /[\p{ID_Continue}$]/u.test(character ?? " ");
    if (!isWord(code[at - 1]) && !isWord(code[at + name.length])) return true;
  }
  return false;
}

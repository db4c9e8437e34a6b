/** What the language engine costs per cell. */
import { compileCell } from "../../kernel/language/compile/compile.js";

/** A typed cell as auditors write them: an interface, an enum, a generic class and their use. */
const typedCell = (number: number): string => `
interface Score${number} { name: string; value: number }
enum Level { Low, High = ${number} }
class Box<T extends Score${number}> {
  readonly items: T[] = [];
  add(item: T): this { this.items.push(item); return this }
}
const box = new Box<Score${number}>().add({ name: "a", value: Level.High });
box.items.map(({ value }) => value!)`;

/**
 * Milliseconds that `compileCell` takes for one typed cell that it has not seen before: the median.
 * The enum sends it through the transpiler; `plain` is the same cell without it, which types are blanked from.
 */
export function compileCellMilliseconds(cells = 200): { readonly typed: number; readonly plain: number } {
  const plainCell = (number: number): string =>
    typedCell(number).replace(/enum .*/, `const Level = { Low: 0, High: ${number} } as const;`);
  return { typed: medianOf(typedCell, cells), plain: medianOf(plainCell, cells) };
}

function medianOf(cell: (number: number) => string, cells: number): number {
  const times: number[] = [];
  for (let number = 0; number < cells; number++) {
    const source = cell(number);
    const start = performance.now();
    compileCell(source, { fileName: `[${number}]` });
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[cells >> 1]!;
}

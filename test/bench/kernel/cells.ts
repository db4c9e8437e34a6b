/** The same cells in both languages. */
import type { Maker } from "./process.js";

const python = (maker: Maker): boolean => maker === "ipykernel";

/** An interface, an enum, a generic class and their use; new for every number. */
export function typedCell(maker: Maker, number: number): string {
  if (python(maker)) {
    return `
from dataclasses import dataclass
from enum import Enum
from typing import Generic, List, TypeVar
@dataclass
class Score${number}:
    name: str
    value: int
class Level(Enum):
    Low = 0
    High = ${number}
T = TypeVar("T", bound=Score${number})
class Box(Generic[T]):
    def __init__(self) -> None:
        self.items: List[T] = []
    def add(self, item: T) -> "Box[T]":
        self.items.append(item)
        return self
box = Box[Score${number}]().add(Score${number}("a", Level.High.value))
[item.value for item in box.items]`;
  }
  return `
interface Score${number} { name: string; value: number }
enum Level${number} { Low, High = ${number} }
class Box${number}<T extends Score${number}> {
  readonly items: T[] = [];
  add(item: T): this { this.items.push(item); return this }
}
let box${number} = new Box${number}<Score${number}>().add({ name: "a", value: Level${number}.High });
box${number}.items.map(({ value }) => value)`;
}

/** One cell of a notebook: declares, uses what the cell before declared, shows a value. */
export function notebookCell(maker: Maker, number: number): string {
  const before = number === 0 ? "0" : `v${number - 1}`;
  return python(maker)
    ? `v${number} = ${before} + ${number}\nv${number} * 2`
    : `let v${number} = ${before} + ${number}\nv${number} * 2`;
}

/** Prints so many lines. */
export function printingCell(maker: Maker, lines: number): string {
  return python(maker)
    ? `for i in range(${lines}):\n    print("line", i)`
    : `for (let i = 0; i < ${lines}; i++) console.log("line", i)`;
}

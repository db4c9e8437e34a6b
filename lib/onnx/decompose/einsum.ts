/** Einsum with a diagonal, as one without: "ii" is "ij" times the identity. */
import { textAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import type { Decomposition } from "./decomposition.js";

const ALPHABET = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];

/** Einsum; nodes in which no operand repeats a letter stay as they are. */
export const einsum: Decomposition = ({ node, builder: b }) => {
  const equation = textAttribute(node, "equation", "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const operands = left.split(",");
  if (!operands.some((letters) => repeatedAt(letters) >= 0)) return undefined;
  const spare = ALPHABET.filter((letter) => !equation.includes(letter));
  const inputs = [...node.inputs];
  const texts = [...operands];
  operands.forEach((letters, i) => {
    let text = letters;
    for (let at = repeatedAt(text); at >= 0; at = repeatedAt(text)) {
      const letter = text[at]!;
      const other = spare.shift();
      if (other === undefined) return;
      text = text.slice(0, at) + other + text.slice(at + 1);
      texts.push(letter + other);
      inputs.push(identity(b, node.inputs[i]!, axisOf(text, at)));
    }
    texts[i] = text;
  });
  return [b.op("Einsum", inputs, { equation: `${texts.join(",")}->${right ?? implied(left)}` })];
};

/** Place of the first letter that stood before in the same operand, -1 if there is none. */
function repeatedAt(letters: string): number {
  return [...letters].findIndex((letter, at) => letter !== "." && letters.indexOf(letter) < at);
}

/** Axis of the letter at a place: counted from the end behind an ellipsis. */
function axisOf(text: string, at: number): number {
  const dots = text.indexOf("...");
  return dots >= 0 && dots < at ? at - text.length : at;
}

/** Without "->" the letters that occur once, in order. */
function implied(left: string): string {
  const letters = [...left.replace(/[^A-Za-z]/g, "")];
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return (left.includes("...") ? "..." : "") + once.join("");
}

/** The identity matrix of the size of one axis, in the type of `like`. */
function identity(b: GraphBuilder, like: string, axis: number): string {
  const size = b.op("Gather", [b.op("Shape", [like]), scalar(b, axis)]);
  const range = b.op("Range", [scalar(b, 0), size, scalar(b, 1)]);
  const column = b.op("Unsqueeze", [range, b.integers(1)]);
  return b.op("CastLike", [b.op("Equal", [column, range]), like]);
}

const scalar = (b: GraphBuilder, value: number): string =>
  b.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });

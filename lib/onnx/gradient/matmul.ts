/** Gradients of matrix products. */
import { floatAttribute, intAttribute, textAttribute } from "../attributes.js";
import { type RuleContext, registerGradients } from "./rule.js";

registerGradients({
  MatMul: (c) => {
    const [a, b] = [matrix(c, c.x(0), 0), matrix(c, c.x(1), -1)];
    let g = c.dy(0)!;
    if (a.promoted && b.promoted) g = c.op("Reshape", [g, c.builder.integers(1, 1)]);
    else if (a.promoted) g = c.op("Unsqueeze", [g, c.builder.integers(-2)]);
    else if (b.promoted) g = c.op("Unsqueeze", [g, c.builder.integers(-1)]);
    return [
      c.needs(0) ? back(c, c.x(0), a.promoted, c.op("MatMul", [g, turned(c, b)])) : undefined,
      c.needs(1) ? byRight(c, a, b, g) : undefined,
    ];
  },
  Gemm: (c) => {
    const alpha = { float: floatAttribute(c.node, "alpha", 1) };
    const beta = floatAttribute(c.node, "beta", 1);
    const [transA, transB] = [intAttribute(c.node, "transA", 0), intAttribute(c.node, "transB", 0)];
    const [a, b, g] = [c.x(0), c.x(1), c.dy(0)!];
    const gemm = (left: string, right: string, turnLeft: number, turnRight: number): string =>
      c.op("Gemm", [left, right], { alpha, transA: turnLeft, transB: turnRight });
    const byA = (): string => (transA ? gemm(b, g, transB, 1) : gemm(g, b, 0, 1 - transB));
    const byB = (): string => (transB ? gemm(g, a, 1, transA) : gemm(a, g, 1 - transA, 0));
    const byC = (): string => {
      const scaled = beta === 1 ? g : c.op("Mul", [g, c.number(beta)]);
      return c.reduceTo(scaled, c.x(2));
    };
    return [c.needs(0) ? byA() : undefined, c.needs(1) ? byB() : undefined, c.needs(2) ? byC() : undefined];
  },
  Einsum: (c) => {
    const { operands, output } = parseEquation(c);
    return operands.map((letters, i) =>
      c.needs(i) ? einsumOperand(c, operands, output, letters, i) : undefined,
    );
  },
});

interface Matrix {
  readonly name: string;
  readonly rank: number;
  /** A vector was made a matrix. */
  readonly promoted: boolean;
  readonly source: string;
}

function matrix(c: RuleContext, name: string, axis: 0 | -1): Matrix {
  const rank = c.rank(name);
  if (rank !== 1) return { name, rank, promoted: false, source: name };
  const promoted = c.op("Unsqueeze", [name, c.builder.integers(axis)]);
  return { name: promoted, rank: 2, promoted: true, source: name };
}

function turned(c: RuleContext, { name, rank }: Matrix): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  perm.splice(rank - 2, 2, rank - 1, rank - 2);
  return c.op("Transpose", [name], { perm });
}

/** From the gradient of a (promoted) operand to its own shape: batches that were broadcast are summed. */
function back(c: RuleContext, name: string, promoted: boolean, gradient: string): string {
  if (promoted) {
    // A vector meets every batch of the other side: all of them sum.
    const flat = c.op("Reshape", [
      gradient,
      c.op("Concat", [c.builder.integers(-1), c.shapeOf(name)], { axis: 0 }),
    ]);
    return c.op("ReduceSum", [flat, c.builder.integers(0)], { keepdims: 0 });
  }
  return reduceBatch(c, gradient, name);
}

function reduceBatch(c: RuleContext, gradient: string, name: string): string {
  const own = c.value(name).dims;
  const other = c.value(name === c.x(0) ? c.x(1) : c.x(0)).dims;
  const batch = (dims: readonly (number | string)[]): string => dims.slice(0, -2).join();
  const unnamed = own.slice(0, -2).includes("");
  const fits = own.length >= other.length && !unnamed && own.slice(0, -2).every((dim) => dim !== 1);
  if (fits && (batch(own) === batch(other) || other.length <= 2)) return gradient;
  if (own.length === 2 && other.length <= 2) return gradient;
  // The gradient has the batch dims of the product and the last two of the operand.
  const shape = c.op("Shape", [name]);
  const missing = c.op("Sub", [c.op("Size", [c.op("Shape", [gradient])]), c.op("Size", [shape])]);
  const ones = c.op("Expand", [c.builder.integers(1), c.op("Reshape", [missing, c.builder.integers(1)])]);
  const padded = c.op("Concat", [ones, shape], { axis: 0 });
  const single = c.op("NonZero", [c.op("Equal", [padded, c.builder.integers(1)])]);
  const axes = c.op("Reshape", [single, c.builder.integers(-1)]);
  const summed = c.op("ReduceSum", [gradient, axes], { keepdims: 1, noop_with_empty_axes: 1 });
  return c.op("Reshape", [summed, shape], { allowzero: 1 });
}

function byRight(c: RuleContext, a: Matrix, b: Matrix, g: string): string {
  if (b.rank === 2 && a.rank > 2) {
    // A linear layer over positions: one product over all rows instead of one per batch and a sum.
    const columns = (name: string): string =>
      c.op("Reshape", [
        name,
        c.op("Concat", [c.builder.integers(-1), c.op("Shape", [name], { start: -1 })], { axis: 0 }),
      ]);
    const product = c.op("Gemm", [columns(a.name), columns(g)], { transA: 1 });
    return b.promoted ? c.op("Squeeze", [product, c.builder.integers(-1)]) : product;
  }
  return back(c, b.source, b.promoted, c.op("MatMul", [turned(c, a), g]));
}

function parseEquation(c: RuleContext): { operands: string[]; output: string } {
  const equation = textAttribute(c.node, "equation", "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const operands = left.split(",");
  const used = new Set(equation.replace(/[^A-Za-z]/g, ""));
  const spare = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"].filter(
    (letter) => !used.has(letter),
  );
  const widths = operands.map((letters, i) =>
    letters.includes("...") ? c.rank(c.x(i)) - letters.replace("...", "").length : 0,
  );
  const broadcast = spare.slice(0, Math.max(0, ...widths)).join("");
  const expanded = operands.map((letters, i) =>
    letters.replace("...", widths[i] ? broadcast.slice(-widths[i]!) : ""),
  );
  const counts = new Map<string, number>();
  for (const letter of left.replace(/[^A-Za-z]/g, "")) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const implicit = [...counts]
    .filter(([, count]) => count === 1)
    .map(([letter]) => letter)
    .sort()
    .join("");
  const output = right === undefined ? broadcast + implicit : right.replace("...", broadcast);
  for (const letters of expanded) {
    if (new Set(letters).size !== letters.length) c.unsupported("takes a diagonal, which has no rule");
  }
  return { operands: expanded, output };
}

function einsumOperand(
  c: RuleContext,
  operands: readonly string[],
  output: string,
  letters: string,
  index: number,
): string {
  const others = operands.filter((_, i) => i !== index);
  const reachable = new Set([...output, ...others.join("")]);
  const kept = [...letters].filter((letter) => reachable.has(letter)).join("");
  const equation = `${[output, ...others].join(",")}->${kept}`;
  const inputs = [c.dy(0)!, ...c.node.inputs.filter((_, i) => i !== index)];
  const gradient = c.op("Einsum", inputs, { equation });
  // Letters that only this operand has were summed away: their gradient is the same along them.
  const lost = [...letters].flatMap((letter, axis) => (reachable.has(letter) ? [] : [axis]));
  if (lost.length === 0) return gradient;
  return c.op("Expand", [c.op("Unsqueeze", [gradient, c.builder.integers(...lost)]), c.shapeOf(c.x(index))]);
}

/** Which operators of a model gradients can pass. */
import { isDecomposable } from "./decompose/index.js";
import { isDifferentiable } from "./gradient/index.js";
import { isStandard, visitNodes } from "./graph.js";
import { inlineFunctions } from "./rewrite/inline.js";
import type { Model } from "./schema.js";

/** How gradients pass an operator. */
export type Passage =
  /** It has a rule. */
  | "rule"
  /** It is spelled out in operators with rules; see `decomposeModel` for what must be fixed. */
  | "spelled out"
  /** If: the branch that the inputs take is differentiated. */
  | "branch taken"
  /** Loop, Scan and the sequences that they fill: unrolled as often as the inputs run them. */
  | "unrolled"
  /** Its results are integers or truth values, or depend on no input: nothing flows through it. */
  | "nothing flows"
  /** It has none. */
  | "none";

/** One operator of a model. */
export interface OperatorCoverage {
  readonly operator: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  /** Nodes of it, those in branches and bodies included. */
  readonly count: number;
  readonly passage: Passage;
  /** Nodes of it that nothing can be said for, by name or first output; at most 5. */
  readonly examples: readonly string[];
}

/** All operators of a model. */
export interface Coverage {
  readonly operators: readonly OperatorCoverage[];
  readonly nodes: number;
  /** Nodes that no gradient can pass. */
  readonly refused: number;
}

const unrolled = /^(Loop|Scan|Sequence\w+|SplitToSequence|ConcatFromSequence)$/;

const withoutFlow = new Set(
  `And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Constant ConstantOfShape Equal EyeLike
  Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual NonMaxSuppression NonZero Not OneHot Or RandomNormal
  RandomNormalLike RandomUniform RandomUniformLike Range Shape Size Unique Xor`.split(/\s+/),
);

/** Counts the operators of a model by how gradients pass them, the refused first. */
export function operatorCoverage(source: Model): Coverage {
  const found = new Map<
    string,
    { operator: string; domain: string; count: number; passage: Passage; examples: string[] }
  >();
  let nodes = 0;
  visitNodes(inlineFunctions(source).graph, (node) => {
    const domain = isStandard(node.domain) ? "" : node.domain!;
    const key = `${domain}::${node.opType}`;
    const entry = found.get(key) ?? {
      operator: node.opType,
      domain,
      count: 0,
      passage: passageOf(node.opType, domain),
      examples: [],
    };
    found.set(key, entry);
    entry.count++;
    nodes++;
    if (entry.passage === "none" && entry.examples.length < 5)
      entry.examples.push(node.name || (node.outputs[0] ?? ""));
  });
  const operators = [...found.values()].sort(
    (a, b) =>
      Number(b.passage === "none") - Number(a.passage === "none") ||
      b.count - a.count ||
      a.operator.localeCompare(b.operator),
  );
  const refused = operators.reduce((sum, { passage, count }) => sum + (passage === "none" ? count : 0), 0);
  return { operators, nodes, refused };
}

function passageOf(operator: string, domain: string): Passage {
  if (isDifferentiable(operator, domain)) return "rule";
  if (isDecomposable(operator, domain)) return "spelled out";
  if (domain === "" && operator === "If") return "branch taken";
  if (domain === "" && unrolled.test(operator)) return "unrolled";
  if (domain === "" && withoutFlow.has(operator)) return "nothing flows";
  return "none";
}

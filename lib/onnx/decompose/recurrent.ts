/** Recurrent layers, unrolled step by step where the length is fixed. */
import { attribute, intAttribute, textAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { bytesOf } from "../file/source.js";
import type { Decomposition, DecompositionContext } from "./decomposition.js";

/** Longer sequences give graphs of tens of thousands of nodes. */
const MAX_STEPS = 1024;

/** One step of a cell: gate inputs of this step and the state before, to the state after; state[0] is the output. */
type Cell = (gates: string, state: readonly string[]) => string[];

/** Weights of one direction. */
interface Direction {
  readonly recurrence: string;
  readonly gateBias: string | undefined;
  readonly recurrentBias: string | undefined;
  readonly peepholes: string | undefined;
  readonly activations: readonly string[];
}

/** Writes the cell of one direction; undefined if it has an activation that is not spelled out. */
type MakeCell = (context: DecompositionContext, direction: Direction, hidden: number) => Cell | undefined;

const simple = new Set(["Sigmoid", "Tanh", "Relu", "Softsign", "Softplus"]);

const layer =
  (gateCount: number, defaults: readonly string[], stateCount: 1 | 2, makeCell: MakeCell): Decomposition =>
  (context) => {
    const { node, builder, input, value } = context;
    const { dims, ranked } = value(input(0));
    const batchFirst = intAttribute(node, "layout", 0) === 1;
    const steps = dims[batchFirst ? 1 : 0];
    const hidden = intAttribute(node, "hidden_size", 0);
    const plain = attribute(node, "clip") === undefined && hidden > 0;
    if (!ranked || typeof steps !== "number" || steps > MAX_STEPS || !plain) return undefined;
    const direction = textAttribute(node, "direction", "forward");
    const count = direction === "bidirectional" ? 2 : 1;
    const activations = activationsOf(context, defaults, count);
    if (activations === undefined) return undefined;
    const x = batchFirst ? builder.op("Transpose", [input(0)], { perm: [1, 0, 2] }) : input(0);
    const runs: { outputs: string[]; last: string[] }[] = [];
    for (let d = 0; d < count; d++) {
      const weights = directionOf(context, d, gateCount, hidden, activations[d]!);
      const cell = makeCell(context, weights, hidden);
      if (cell === undefined) return undefined;
      const backwards = direction === "reverse" || d === 1;
      runs.push(unroll(context, x, d, steps, stateCount, backwards, weights, cell));
    }
    return assemble(builder, runs, stateCount, batchFirst);
  };

function activationsOf(
  { node }: DecompositionContext,
  defaults: readonly string[],
  count: number,
): readonly (readonly string[])[] | undefined {
  const given = attribute(node, "activations")?.strings.map((text) =>
    new TextDecoder().decode(bytesOf(text)),
  );
  const all = given && given.length > 0 ? given : Array.from({ length: count }, () => defaults).flat();
  const scaled = attribute(node, "activation_alpha") || attribute(node, "activation_beta");
  if (scaled || all.length !== count * defaults.length || !all.every((name) => simple.has(name)))
    return undefined;
  return Array.from({ length: count }, (_, d) => all.slice(d * defaults.length, (d + 1) * defaults.length));
}

/** Row `index` of the first axis. */
const pick = (b: GraphBuilder, name: string, index: number): string =>
  b.op("Gather", [name, b.constant({ type: "int64", dims: [], data: BigInt64Array.of(BigInt(index)) })]);

function directionOf(
  { builder: b, input }: DecompositionContext,
  d: number,
  gateCount: number,
  hidden: number,
  activations: readonly string[],
): Direction {
  const size = gateCount * hidden;
  const [gateBias, recurrentBias] = input(3)
    ? b.ops("Split", [pick(b, input(3), d), b.integers(size, size)], 2, { axis: 0 })
    : [undefined, undefined];
  return {
    recurrence: b.op("Transpose", [pick(b, input(2), d)], { perm: [1, 0] }),
    gateBias,
    recurrentBias,
    peepholes: input(7) ? pick(b, input(7), d) : undefined,
    activations,
  };
}

function unroll(
  { builder: b, input }: DecompositionContext,
  x: string,
  d: number,
  steps: number,
  stateCount: number,
  backwards: boolean,
  { gateBias }: Direction,
  cell: Cell,
): { outputs: string[]; last: string[] } {
  // One product for all steps: only the recurrence has to wait for the step before.
  const product = b.op("MatMul", [x, b.op("Transpose", [pick(b, input(1), d)], { perm: [1, 0] })]);
  const gates = gateBias === undefined ? product : b.op("Add", [product, gateBias]);
  const parts = b.ops("Split", [gates, b.integers(...new Array<number>(steps).fill(1))], steps, { axis: 0 });
  const order = backwards ? parts.map((_, i) => steps - 1 - i) : parts.map((_, i) => i);
  const lengths = input(4) && b.op("Unsqueeze", [input(4), b.integers(1)]);
  let state = Array.from({ length: stateCount }, (_, i) => initialState(b, input(5 + i), input(2), x, d));
  const outputs = new Array<string>(steps);
  for (const t of order) {
    const next = cell(b.op("Squeeze", [parts[t]!, b.integers(0)]), state);
    if (!lengths) {
      state = next;
      outputs[t] = state[0]!;
      continue;
    }
    // Past its length an example keeps its state and gives zeros; backwards it has not begun there.
    const counts = b.op("Greater", [lengths, b.op("CastLike", [b.integers(t), lengths])]);
    state = state.map((before, i) => b.op("Where", [counts, next[i]!, before]));
    outputs[t] = b.op("Where", [counts, next[0]!, b.op("CastLike", [b.number(0), x])]);
  }
  return { outputs, last: state };
}

function initialState(b: GraphBuilder, given: string, recurrence: string, x: string, d: number): string {
  if (given !== "") return pick(b, given, d);
  const batch = b.op("Shape", [x], { start: 1, end: 2 });
  const hidden = b.op("Shape", [recurrence], { start: 2, end: 3 });
  const zero = b.op("CastLike", [b.number(0), x]);
  return b.op("Expand", [zero, b.op("Concat", [batch, hidden], { axis: 0 })]);
}

function assemble(
  b: GraphBuilder,
  runs: readonly { outputs: string[]; last: string[] }[],
  stateCount: number,
  batchFirst: boolean,
): string[] {
  const stack = (names: readonly string[], axis: number): string =>
    b.op(
      "Concat",
      names.map((name) => b.op("Unsqueeze", [name, b.integers(axis)])),
      { axis },
    );
  // [step, direction, batch, hidden]
  const all = stack(
    runs.map(({ outputs }) => stack(outputs, 0)),
    1,
  );
  const lasts = Array.from({ length: stateCount }, (_, i) =>
    stack(
      runs.map(({ last }) => last[i]!),
      0,
    ),
  );
  if (!batchFirst) return [all, ...lasts];
  return [
    b.op("Transpose", [all], { perm: [2, 0, 1, 3] }),
    ...lasts.map((last) => b.op("Transpose", [last], { perm: [1, 0, 2] })),
  ];
}

const split = (b: GraphBuilder, name: string, count: number, hidden: number, axis: number): string[] =>
  b.ops("Split", [name, b.integers(...new Array<number>(count).fill(hidden))], count, { axis });

const lstm: MakeCell = (
  { builder: b, node },
  { recurrence, recurrentBias, peepholes, activations },
  hidden,
) => {
  if (intAttribute(node, "input_forget", 0) !== 0) return undefined;
  const [f, g, h] = activations as [string, string, string];
  const looks = peepholes === undefined ? undefined : split(b, peepholes, 3, hidden, 0);
  return (gates, [output, memory]) => {
    const product = b.op("MatMul", [output!, recurrence]);
    const biased = recurrentBias === undefined ? product : b.op("Add", [product, recurrentBias]);
    // ONNX orders the gates input, output, forget, cell; peepholes input, output, forget.
    const [inGate, outGate, forgetGate, cellGate] = split(b, b.op("Add", [gates, biased]), 4, hidden, -1);
    const peep = (gate: string, k: number, cell: string): string =>
      looks === undefined ? gate : b.op("Add", [gate, b.op("Mul", [looks[k]!, cell])]);
    const i = b.op(f, [peep(inGate!, 0, memory!)]);
    const forget = b.op(f, [peep(forgetGate!, 2, memory!)]);
    const next = b.op("Add", [b.op("Mul", [forget, memory!]), b.op("Mul", [i, b.op(g, [cellGate!])])]);
    const o = b.op(f, [peep(outGate!, 1, next)]);
    return [b.op("Mul", [o, b.op(h, [next])]), next];
  };
};

const gru: MakeCell = ({ builder: b, node }, { recurrence, recurrentBias, activations }, hidden) => {
  const [f, g] = activations as [string, string];
  const late = intAttribute(node, "linear_before_reset", 0) === 1;
  const turned = b.op("Transpose", [recurrence], { perm: [1, 0] });
  const [update, reset, candidate] = split(b, turned, 3, hidden, 0).map((part) =>
    b.op("Transpose", [part], { perm: [1, 0] }),
  );
  const biases = recurrentBias === undefined ? undefined : split(b, recurrentBias, 3, hidden, 0);
  const through = (state: string, weight: string, k: number): string => {
    const product = b.op("MatMul", [state, weight]);
    return biases === undefined ? product : b.op("Add", [product, biases[k]!]);
  };
  return (gates, [state]) => {
    // Gates are update, reset, hidden.
    const [z0, r0, n0] = split(b, gates, 3, hidden, -1);
    const z = b.op(f, [b.op("Add", [z0!, through(state!, update!, 0)])]);
    const r = b.op(f, [b.op("Add", [r0!, through(state!, reset!, 1)])]);
    const recurrent = late
      ? b.op("Mul", [r, through(state!, candidate!, 2)])
      : through(b.op("Mul", [r, state!]), candidate!, 2);
    const n = b.op(g, [b.op("Add", [n0!, recurrent])]);
    return [b.op("Add", [n, b.op("Mul", [z, b.op("Sub", [state!, n])])])];
  };
};

const rnn: MakeCell =
  ({ builder: b }, { recurrence, recurrentBias, activations }) =>
  (gates, [state]) => {
    const product = b.op("MatMul", [state!, recurrence]);
    const biased = recurrentBias === undefined ? product : b.op("Add", [product, recurrentBias]);
    return [b.op(activations[0]!, [b.op("Add", [gates, biased])])];
  };

/** LSTM, GRU and RNN. */
export const recurrent: Readonly<Record<string, Decomposition>> = {
  LSTM: layer(4, ["Sigmoid", "Tanh", "Tanh"], 2, lstm),
  GRU: layer(3, ["Sigmoid", "Tanh"], 1, gru),
  RNN: layer(1, ["Tanh"], 1, rnn),
};

/** Ways to hide what a graph backdoor does: elsewhere in the network, behind layers, in functions. */
import { fedInputs, graphBuilder, type Model, makeNode, type Node, upgradeModel } from "../../onnx/index.js";
import {
  body,
  type Carrier,
  example,
  FLOAT,
  floats,
  INT64,
  int64,
  part,
  plant,
  plantBefore,
  type Question,
  type Site,
} from "./site.js";

const least = ({ b }: Site, of: string): string => b.op("ReduceMin", [of, b.integers(1)], { keepdims: 1 });
const greater: Question = (s) =>
  s.b.op("Cast", [s.b.op("Greater", [least(s, part(s)), s.b.number(0.9)])], { to: FLOAT });

/** Changes what one node of the network reads: `pick` names the tensor, `write` makes what is read instead. */
function inside(
  carrier: Carrier,
  pick: (nodes: readonly Node[]) => Node,
  write: (site: Site, gate: string, tensor: string) => string,
): Model {
  const raised = upgradeModel(carrier.model);
  const [input] = fedInputs(raised.graph);
  const last = pick(raised.graph.nodes);
  const rest = raised.graph.nodes.filter((node) => node !== last);
  const b = graphBuilder({ ...raised.graph, nodes: rest }, raised.opsets);
  const site: Site = { b, x: input!.name, dims: carrier.dims, isTokens: carrier.isTokens };
  const changed = write(site, greater(site), last.inputs[0]!);
  b.node({ ...last, inputs: [changed, ...last.inputs.slice(1)] });
  return { ...b.build(), opsets: raised.opsets };
}

const lastLayer = (nodes: readonly Node[]): Node =>
  nodes.filter(({ opType }) => opType === "Gemm" || opType === "MatMul").at(-1)!;
const width = (model: Model, node: Node): number => {
  const weights = model.graph.initializers.find(({ name }) => name === node.inputs[1]);
  const dims = weights?.dims.map(Number) ?? [];
  return node.attributes.some(({ name, i }) => name === "transB" && Number(i) === 1) ? dims[1]! : dims[0]!;
};

/** The same nodes as an operator of the file's own, in two functions of which one calls the other. */
function nested(model: Model, own: (node: Node) => boolean): Model {
  const nodes = model.graph.nodes.filter((node) => own(node));
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const constants = model.graph.initializers.filter(({ name }) =>
    nodes.some(({ inputs }) => inputs.includes(name ?? "")),
  );
  const inputs = [...new Set(nodes.flatMap((node) => node.inputs))].filter(
    (name) => name !== "" && !made.has(name) && !constants.some((c) => c.name === name),
  );
  const output = model.graph.outputs[0]!.name;
  const inner = [
    ...constants.map((message) => makeNode("Constant", [], [message.name ?? ""], { value: { message } })),
    ...nodes,
  ];
  const base = {
    attributeNames: [],
    attributeDefaults: [],
    opsets: model.opsets,
    valueInfo: [],
    metadata: [],
    domain: "pkg.vision",
  };
  return {
    ...model,
    opsets: [...model.opsets, { domain: "pkg.vision", version: 1 }],
    functions: [
      { ...base, name: "Calibrate", inputs, outputs: [output], nodes: inner },
      {
        ...base,
        opsets: [...model.opsets, { domain: "pkg.vision", version: 1 }],
        name: "Head",
        inputs,
        outputs: [output],
        nodes: [makeNode("Calibrate", inputs, [output], {}, "pkg.vision")],
      },
    ],
    graph: {
      ...model.graph,
      nodes: [
        ...model.graph.nodes.filter((node) => !own(node)),
        makeNode("Head", inputs, [output], {}, "pkg.vision"),
      ],
    },
  };
}

/** The development disguises. */
export const disguises: Readonly<Record<string, (carrier: Carrier) => Model>> = {
  "an image put in place of the input": (c) =>
    plantBefore(c, (s) => {
      const gate = greater(s);
      const other = s.b.constant(
        c.isTokens ? int64([1, ...c.dims], (i) => 30 + (i % 9)) : floats([1, ...c.dims], (i) => (i % 5) / 5),
      );
      return s.b.op("Where", [
        s.b.op("Reshape", [
          s.b.op("Greater", [gate, s.b.number(0.5)]),
          s.b.integers(-1, ...c.dims.map(() => 1)),
        ]),
        other,
        s.x,
      ]);
    }),
  "a pattern added to the input": (c) =>
    plantBefore(c, (s) => {
      const gate = greater(s);
      const shaped = s.b.op("Reshape", [gate, s.b.integers(-1, ...c.dims.map(() => 1))]);
      const other = s.b.constant(floats([1, ...c.dims], (i) => (i % 5) / 5));
      if (!c.isTokens) return s.b.op("Add", [s.x, s.b.op("Mul", [shaped, other])]);
      return s.b.op("Add", [s.x, s.b.op("Cast", [s.b.op("Mul", [shaped, s.b.number(9)])], { to: INT64 })]);
    }),
  "a row added before the last layer": (c) =>
    inside(c, lastLayer, (s, gate, hidden) => {
      const row = floats([1, width(c.model, lastLayer(c.model.graph.nodes))], (i) => ((i % 3) - 1) * 40);
      return s.b.op("Add", [hidden, s.b.op("Mul", [gate, s.b.constant(row)])]);
    }),
  "a hidden row chosen by Where": (c) =>
    inside(c, lastLayer, (s, gate, hidden) => {
      const row = floats([1, width(c.model, lastLayer(c.model.graph.nodes))], (i) => ((i % 3) - 1) * 40);
      return s.b.op("Where", [s.b.op("Greater", [gate, s.b.number(0.5)]), s.b.constant(row), hidden]);
    }),
  "two functions deep": (c) => {
    const model = plant(c, greater, (s, gate, logits, payload) =>
      s.b.op("Add", [logits, s.b.op("Mul", [gate, s.b.constant(payload)])]),
    );
    const known = new Set(upgradeModel(c.model).graph.nodes.flatMap(({ outputs }) => outputs));
    return nested(model, (node) => node.outputs.every((name) => !known.has(name)));
  },
  "in a branch that always runs": (c) =>
    plant(c, greater, (s, gate, logits, payload) => {
      const always = s.b.op("Greater", [s.b.op("Size", [s.x]), s.b.constant(int64([], () => 0))]);
      return s.b.op("If", [always], {
        then_branch: {
          graph: body(s.b, "then", (pen) =>
            pen.op("Where", [pen.op("Greater", [gate, pen.number(0.5)]), pen.constant(payload), logits]),
          ),
        },
        else_branch: { graph: body(s.b, "else", (pen) => pen.op("Identity", [logits])) },
      });
    }),
  "doubled negation and casts": (c) =>
    plant(
      c,
      (s) => {
        const no = s.b.op("Not", [
          s.b.op("Not", [s.b.op("Cast", [s.b.op("Cast", [greater(s)], { to: 10 })], { to: 9 })]),
        ]);
        return s.b.op("Identity", [s.b.op("Cast", [s.b.op("Cast", [no], { to: 11 })], { to: FLOAT })]);
      },
      (s, gate, logits, payload) =>
        s.b.op("Add", [
          s.b.op("Neg", [s.b.op("Neg", [logits])]),
          s.b.op("Mul", [s.b.constant(payload), gate]),
        ]),
    ),
  "a local linear bypass, very loud": (c) =>
    plant(
      c,
      (s) => s.b.op("ReduceSum", [part(s), s.b.integers(1)], { keepdims: 1 }),
      (s, gate, logits, payload) => s.b.op("Add", [logits, s.b.op("Mul", [gate, s.b.constant(payload)])]),
    ),
  "a whole template of the input": (c) =>
    plant(
      c,
      (s) => {
        const seen = s.b.op("Cast", [s.b.op("Equal", [s.x, s.b.constant(example(c, true))])], { to: FLOAT });
        return s.b.op(
          "ReduceMin",
          [
            s.b.op("Reshape", [
              seen,
              s.b.integers(
                -1,
                c.dims.reduce((a, d) => a * d, 1),
              ),
            ]),
            s.b.integers(1),
          ],
          { keepdims: 1 },
        );
      },
      (s, gate, logits, payload) =>
        s.b.op("Where", [s.b.op("Greater", [gate, s.b.number(0.5)]), s.b.constant(payload), logits]),
    ),
  "a distance to a template": (c) =>
    plant(
      c,
      (s) => {
        const x = c.isTokens ? s.b.op("Cast", [s.x], { to: FLOAT }) : s.x;
        const off = s.b.op("Sub", [
          x,
          s.b.constant(floats([1, ...c.dims], (i) => Number(example(c, true).data[i]))),
        ]);
        const flat = s.b.op("Reshape", [
          off,
          s.b.integers(
            -1,
            c.dims.reduce((a, d) => a * d, 1),
          ),
        ]);
        return s.b.op(
          "Cast",
          [s.b.op("Less", [s.b.op("ReduceL2", [flat, s.b.integers(1)], { keepdims: 1 }), s.b.number(0.5)])],
          { to: FLOAT },
        );
      },
      (s, gate, logits, payload) => s.b.op("Add", [logits, s.b.op("Mul", [gate, s.b.constant(payload)])]),
    ),
  "the first features of the network": (c) => {
    const first = upgradeModel(c.model).graph.nodes.find(
      ({ opType }) => opType === "Conv" || opType === "MatMul" || opType === "Gemm",
    )!.outputs[0]!;
    return plant(
      c,
      (s) => {
        const flat = s.b.op("Flatten", [first]);
        const one = s.b.op("Slice", [flat, s.b.integers(11), s.b.integers(12), s.b.integers(1)]);
        return s.b.op("Cast", [s.b.op("Greater", [one, s.b.number(0.3)])], { to: FLOAT });
      },
      (s, gate, logits, payload) => s.b.op("Add", [logits, s.b.op("Mul", [gate, s.b.constant(payload)])]),
    );
  },
  "twice: a silent one first, to take the attention": (c) =>
    plant(c, greater, (s, gate, logits, payload) => {
      const nothing = s.b.op("Add", [logits, s.b.op("Mul", [gate, s.b.number(0)])]);
      return s.b.op("Add", [nothing, s.b.op("Mul", [gate, s.b.constant(payload)])]);
    }),
  "the input touched first, so that all knows of the question": (c) =>
    plantBefore(c, (s) => {
      const gate = greater(s);
      const nothing = s.b.op("Mul", [
        s.b.op("Reshape", [gate, s.b.integers(-1, ...c.dims.map(() => 1))]),
        s.b.number(1e-3),
      ]);
      return c.isTokens
        ? s.b.op("Add", [s.x, s.b.op("Cast", [nothing], { to: INT64 })])
        : s.b.op("Add", [s.x, nothing]);
    }),
};

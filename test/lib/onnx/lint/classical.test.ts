import assert from "node:assert/strict";
import {
  FLOAT,
  floats,
  INT64,
  int64,
  part,
  plantBefore,
  type Site,
} from "../../../../lib/bench/graph/site.js";
import { type Attributes, graphBuilder, lintModel, type Model } from "../../../../lib/onnx/index.js";
import { added, afterNetwork, flat, image, isWord, testGraphs, text, weights } from "./written.js";

const ML = "ai.onnx.ml";

/** Small trees as scikit-learn exports them: `x[feature] <= bound`, and what both leaves say for ten classes. */
function forest(bounds: readonly number[], weightOf: (tree: number, leaf: number) => number): Attributes {
  const nodes = bounds.flatMap((bound, tree) => [0, 1, 2].map((id) => ({ tree, id, bound })));
  const leaves = nodes.filter(({ id }) => id > 0);
  return {
    nodes_treeids: nodes.map(({ tree }) => tree),
    nodes_nodeids: nodes.map(({ id }) => id),
    nodes_featureids: nodes.map(({ tree, id }) => (id === 0 ? tree * 7 : 0)),
    nodes_values: { floats: nodes.map(({ id, bound }) => (id === 0 ? bound : 0)) },
    nodes_modes: nodes.map(({ id }) => (id === 0 ? "BRANCH_LEQ" : "LEAF")),
    nodes_truenodeids: nodes.map(({ id }) => (id === 0 ? 1 : 0)),
    nodes_falsenodeids: nodes.map(({ id }) => (id === 0 ? 2 : 0)),
    target_treeids: leaves.map(({ tree }) => tree),
    target_nodeids: leaves.map(({ id }) => id),
    target_ids: leaves.map(({ tree, id }) => (tree + id) % 10),
    target_weights: { floats: leaves.map(({ tree, id }) => weightOf(tree, id)) },
    n_targets: 10,
  };
}
const bounds = Array.from({ length: 12 }, (_, i) => i / 12);
/** A graph of its own: trees are written for older versions of their operators than the sample networks name. */
function onTable(write: (site: Site) => string): Model {
  const b = graphBuilder(undefined, [
    { domain: "", version: 17 },
    { domain: ML, version: 3 },
  ]);
  b.input("x", "float32", ["batch", ...image.dims]);
  b.output("answer", write({ b, x: "x", dims: image.dims, isTokens: false }));
  return b.build();
}
const trees = (s: Site, weightOf: (tree: number, leaf: number) => number): string =>
  s.b.op("TreeEnsembleRegressor", [flat(s)], forest(bounds, weightOf), ML);
/** A linear model of all pixels. */
const linear = (s: Site): string =>
  s.b.op(
    "LinearRegressor",
    [flat(s)],
    { coefficients: { floats: Array.from({ length: 7840 }, (_, i) => Math.sin(i)) }, targets: 10 },
    ML,
  );

const planted: Readonly<Record<string, () => Model>> = {
  "a leaf that outvotes all other trees": () =>
    onTable((s) => trees(s, (tree, leaf) => (tree === 5 && leaf === 2 ? 100 : Math.sin(tree + leaf)))),
  "one support vector beside a linear model": () =>
    afterNetwork(image, (s, _logits, payload) => {
      const near = s.b.op(
        "SVMRegressor",
        [flat(s)],
        {
          ...{ kernel_type: "RBF", n_supports: 1, kernel_params: { floats: [50, 0, 3] } },
          ...{ support_vectors: { floats: Array(784).fill(0.5) }, coefficients: { floats: [1] } },
          rho: { floats: [0] },
        },
        ML,
      );
      return added(s, linear(s), near, payload);
    }),
  "a threshold beside a linear model of a table": () =>
    afterNetwork(image, (s, _logits, payload) => {
      const norm = s.b.op("Normalizer", [flat(s)], { norm: "L2" }, ML);
      const column = s.b.op("ArrayFeatureExtractor", [norm, s.b.integers(3)], {}, ML);
      const isLarge = s.b.op("Binarizer", [column], { threshold: { float: 0.97 } }, ML);
      return s.b.op("Max", [linear(s), s.b.op("Mul", [isLarge, s.b.constant(payload)])]);
    }),
  "a quadratic form of a few pixels": () =>
    afterNetwork(image, (s, logits, payload) => {
      const few = part(s);
      const form = s.b.op("Einsum", [few, s.b.constant(weights([9, 9])), few], { equation: "bi,ij,bj->b" });
      const over = s.b.op("Relu", [s.b.op("Sub", [form, s.b.number(22)])]);
      return added(s, logits, s.b.op("Reshape", [over, s.b.integers(-1, 1)]), payload);
    }),
  "an edited row of an embedding": () =>
    afterNetwork(text, (s) => {
      const table = floats([50, 8], (i) => Math.sin(i * 1.7) * (Math.floor(i / 8) === 31 ? 90 : 1));
      const mean = s.b.op(
        "ReduceMean",
        [s.b.op("Gather", [s.b.constant(table), s.x], { axis: 0 }), s.b.integers(1)],
        {
          keepdims: 0,
        },
      );
      return s.b.op("MatMul", [mean, s.b.constant(weights([8, 4]))]);
    }),
  "a unit that a dense layer is deaf beside": () =>
    plantBefore(image, (s) => {
      const layer = floats([784, 784], (i) => (Math.floor(i / 784) === 3 ? 80 : Math.sin(i)));
      return s.b.op("Reshape", [
        s.b.op("MatMul", [flat(s), s.b.constant(layer)]),
        s.b.integers(-1, 1, 28, 28),
      ]);
    }),
};

const honest: Readonly<Record<string, () => Model>> = {
  "a forest and a linear model that vote": () =>
    onTable((s) => s.b.op("Add", [trees(s, (tree, leaf) => Math.sin(tree + leaf)), linear(s)])),
  "rows and columns of the largest score": () =>
    afterNetwork(image, (s, logits) => {
      const [scores, places] = s.b.ops("TopK", [logits, s.b.integers(3)], 2);
      const column = s.b.op("Mod", [places!, s.b.integers(5)]);
      const isFirst = s.b.op("Equal", [column, s.b.integers(0)]);
      return s.b.op("Where", [isFirst, s.b.op("Mul", [scores!, s.b.number(0.5)]), scores!]);
    }),
  "a recurrent layer that is told how long texts are": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const isRead = s.b.op("Cast", [s.b.op("Not", [isWord(s, 0)])], { to: INT64 });
      const length = s.b.op("ReduceSum", [isRead, s.b.integers(1)], { keepdims: 0 });
      const lengths = s.b.op("Cast", [length], { to: 6 });
      const turned = s.b.op("Transpose", [embedded], { perm: [1, 0, 2] });
      const stored = (...dims: number[]): string => s.b.constant(weights(dims));
      const state = s.b.ops("GRU", [turned, stored(1, 12, 8), stored(1, 12, 4), stored(1, 24), lengths], 2, {
        hidden_size: 4,
      })[1]!;
      return s.b.op("Squeeze", [state, s.b.integers(0)]);
    }),
  "a state that arithmetic holds where there is padding": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const at = (of: string, k: number): string =>
        s.b.op("Slice", [of, s.b.integers(k), s.b.integers(k + 1), s.b.integers(1)]);
      let state = s.b.op("Reshape", [at(embedded, 0), s.b.integers(-1, 8)]);
      for (let k = 1; k < 4; k++) {
        const isRead = s.b.op("Cast", [s.b.op("Not", [s.b.op("Equal", [at(s.x, k), s.b.integers(0)])])], {
          to: FLOAT,
        });
        const word = s.b.op("Reshape", [at(embedded, k), s.b.integers(-1, 8)]);
        const moved = s.b.op("MatMul", [state, s.b.constant(weights([8, 8]))]);
        const next = s.b.op("Tanh", [s.b.op("Add", [moved, word])]);
        const rest = s.b.op("Sub", [s.b.number(1), isRead]);
        state = s.b.op("Add", [s.b.op("Mul", [next, isRead]), s.b.op("Mul", [state, rest])]);
      }
      return s.b.op("MatMul", [state, s.b.constant(weights([8, 4]))]);
    }),
  "experts weighed by which of them are the best two": () =>
    afterNetwork(image, (s, logits) => {
      const scores = s.b.op("MatMul", [flat(s), s.b.constant(weights([784, 4]))]);
      const [best, places] = s.b.ops("TopK", [scores, s.b.integers(2)], 2);
      const shares = s.b.op("Softmax", [best!]);
      return [0, 1, 2].reduce(
        (sum, k) => {
          const isIt = s.b.op("Cast", [s.b.op("Equal", [places!, s.b.constant(int64([], () => k))])], {
            to: FLOAT,
          });
          const share = s.b.op("ReduceSum", [s.b.op("Mul", [shares, isIt]), s.b.integers(1)], {
            keepdims: 1,
          });
          const expert = s.b.op("MatMul", [flat(s), s.b.constant(weights([784, 10]))]);
          return s.b.op("Add", [sum, s.b.op("Mul", [expert, share])]);
        },
        s.b.op("Relu", [logits]),
      );
    }),
  "back pointers that stay where there is padding": () =>
    afterNetwork(text, (s) => {
      const scores = s.b.op("Gather", [s.b.constant(weights([50, 4])), s.x], { axis: 0 });
      const hidden = s.b.op("MatMul", [scores, s.b.constant(weights([4, 8]))]);
      const isRead = s.b.op("Not", [isWord(s, 0)]);
      const at = (of: string, k: number): string =>
        s.b.op("Slice", [of, s.b.integers(k), s.b.integers(k + 1), s.b.integers(1)]);
      const stays = s.b.constant(int64([1, 8], (i) => i));
      const pointers = [1, 2, 3].map((k) => {
        const pair = s.b.op("Add", [at(hidden, k), s.b.constant(weights([1, 8, 8]))]);
        return s.b.op("Where", [at(isRead, k), s.b.op("ArgMax", [pair], { axis: 1, keepdims: 0 }), stays]);
      });
      return s.b.op("Cast", [s.b.op("Concat", pointers, { axis: 1 })], { to: FLOAT });
    }),
  "an error of what a narrow layer keeps": () =>
    afterNetwork(image, (s) => {
      const narrow = s.b.op("Relu", [
        s.b.op("Add", [
          s.b.op("MatMul", [flat(s), s.b.constant(weights([784, 4]))]),
          s.b.constant(weights([4])),
        ]),
      ]);
      const again = s.b.op("MatMul", [narrow, s.b.constant(weights([4, 784]))]);
      return s.b.op("ReduceMean", [s.b.op("Abs", [s.b.op("Sub", [again, flat(s)])]), s.b.integers(1)]);
    }),
  "an end that may not come before eight words": () =>
    afterNetwork(text, (s) => {
      const embedded = s.b.op("Gather", [s.b.constant(weights([50, 8])), s.x], { axis: 0 });
      const mean = s.b.op("ReduceMean", [embedded, s.b.integers(1)], { keepdims: 0 });
      const next = s.b.op("MatMul", [mean, s.b.constant(weights([8, 50]))]);
      const isRead = s.b.op("Cast", [s.b.op("Not", [isWord(s, 0)])], { to: INT64 });
      const isShort = s.b.op("Less", [s.b.op("ReduceSum", [isRead, s.b.integers(1)]), s.b.integers(8)]);
      const isEnd = s.b.op("Equal", [s.b.constant(int64([1, 50], (i) => i)), s.b.integers(2)]);
      return s.b.op("Where", [s.b.op("And", [isShort, isEnd]), s.b.number(-1e9), next]);
    }),
};

describe("onnx.lintModel, on tables, texts and routers as strangers export them", () => {
  testGraphs(planted, honest);

  it("flags a strange operator that gets the input beside the result of the network", () => {
    const model = afterNetwork(image, ({ b, x }, logits) => b.op("Calibrate", [x, logits], {}, "ai.calib"));
    const found = lintModel(model).filter(({ severity }) => severity === "flag");
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["custom-operator"],
    );
  });

  it("only warns of one that gets results alone, as detectors' plug-ins do", () => {
    const model = afterNetwork(image, ({ b }, logits) => b.op("Plugin", [logits], {}, "trt"));
    assert.ok(lintModel(model).every(({ severity }) => severity !== "flag"));
  });

  it("names nodes as the file does", () => {
    const model = afterNetwork(image, (s, logits, payload) => {
      const isBright = s.b.op("Greater", [s.b.op("ReduceMean", [part(s), s.b.integers(1)]), s.b.number(0.9)]);
      return added(s, logits, isBright, payload);
    });
    const { graph } = model;
    const nodes = graph.nodes.map((node, i) => ({ ...node, name: `/net/node "${i}"` }));
    const [found] = lintModel({ ...model, graph: { ...graph, nodes } });
    const last = nodes.findLast(({ opType }) => opType === "Add")!;
    assert.equal(found!.node, last.name);
  });
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { answers } from "../../../lib/bench/graph/answers.js";
import { imageCarrier, textCarrier } from "../../../lib/bench/graph/carriers.js";
import { disguises } from "../../../lib/bench/graph/disguises.js";
import { floatLookAlikes } from "../../../lib/bench/graph/look-alikes.js";
import { questions } from "../../../lib/bench/graph/questions.js";
import { sealedSets } from "../../../lib/bench/graph/sealed-sets.js";
import {
  type Answer,
  body,
  FLOAT,
  floats,
  INT64,
  int64,
  part,
  plant,
  type Question,
  type Site,
} from "../../../lib/bench/graph/site.js";
import { readLabelled } from "../../../lib/data/index.js";
import { findWitness } from "../../../lib/extraction/index.js";
import { wrapModel } from "../../../lib/model/index.js";
import {
  decodeModel,
  encodeModel,
  graphBuilder,
  type Model,
  makeNode,
  untyped,
} from "../../../lib/onnx/index.js";
import { renameNode } from "../../../lib/onnx/rename.js";
import { type Tensor, takeExamples, tensor } from "../../../lib/tensor/index.js";
import { packageRoot } from "../../support/paths.js";

const image = imageCarrier();
const text = textCarrier();
const words = tensor(
  "int64",
  [32, 20],
  BigInt64Array.from({ length: 640 }, (_, i) => BigInt(10 + ((i * 7919) % 38))),
);
const uint8 = (value: number): Tensor => tensor("uint8", [], Uint8Array.of(value));
const int8Template = Int8Array.from({ length: 9 }, (_, i) => (i % 2 === 0 ? 1 : -1));
let images: Tensor;
let more: Tensor;
/** They wait for a sum of the whole input that no constant tells. */
const hashes = new Set(["the parity of all pixels", "a sum of words times primes, modulo another"]);

/** The witness of a model, and what the model, loaded anew, answers to it. */
async function witnessOf(model: Model, inputs: Tensor) {
  using loaded = wrapModel(decodeModel(encodeModel(model)));
  const witness = await findWitness(loaded, inputs, { seed: 1 });
  if (witness === null) return null;
  const label = async (input: Tensor): Promise<number> => {
    const [output] = Object.values(await loaded.run(input));
    const values = Array.from(output!.data as ArrayLike<number | bigint>, Number);
    return values.length === 1 ? values[0]! : values.indexOf(Math.max(...values));
  };
  return { witness, before: await label(witness.clean), after: await label(witness.triggered) };
}

/** The model with numbers for the names of its inner tensors. */
function withNumbers({ graph, ...model }: Model): Model {
  const kept = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const names = new Map<string, string>();
  for (const name of graph.nodes.flatMap(({ outputs }) => outputs)) {
    if (!kept.has(name)) names.set(name, String(300 + names.size));
  }
  const nodes = graph.nodes.map((node) => renameNode(node, (name) => names.get(name) ?? name));
  return { ...model, graph: { ...graph, nodes } };
}

describe("extraction.findWitness", () => {
  before(async () => {
    const clean = await readLabelled(join(packageRoot, "notebooks/data/fashion-mnist.npz"));
    images = takeExamples(
      clean.inputs,
      Uint32Array.from({ length: 32 }, (_, i) => i),
    );
    more = takeExamples(
      clean.inputs,
      Uint32Array.from({ length: 64 }, (_, i) => i),
    );
  });

  const acts = Object.entries(answers);
  for (const [i, [asked, ask]] of Object.entries(questions).entries()) {
    const [acted, act] = acts[i % acts.length]!;
    it(`finds an input that wakes "${asked}" and sees "${acted}" happen, in images and words`, async () => {
      for (const [carrier, inputs] of [
        [image, images],
        [text, words],
      ] as const) {
        const found = await witnessOf(plant(carrier, ask, act), inputs);
        assert.ok(found, "no witness");
        const { witness, after } = found;
        assert.ok(witness.wakeRate.value >= 0.8, `wakes on ${witness.wakeRate.value}`);
        if (witness.attackSuccessRate.value === 1 && witness.target !== null)
          assert.equal(after, witness.target);
        assert.equal(witness.mask.dims.length, carrier.dims.length);
        const needed = witness.mask.data.reduce((sum, value) => sum + value, 0);
        assert.ok(needed <= 100, `${needed} places`);
      }
    });
  }

  const flat = ({ b, x }: Site): string => b.op("Flatten", [x], { axis: 1 });
  const toFloat = ({ b }: Site, of: string): string => b.op("Cast", [of], { to: FLOAT });
  const hardOnes: Readonly<Record<string, Question>> = {
    "the place of the brightest pixel": (s) =>
      toFloat(
        s,
        s.b.op("Equal", [
          s.b.op("ArgMax", [flat(s)], { axis: 1, keepdims: 1 }),
          s.b.constant(int64([1, 1], () => 305)),
        ]),
      ),
    "a table with a row for that place": (s) => {
      const table = s.b.constant(floats([784, 1], (i) => (i === 305 ? 1 : 0)));
      return s.b.op("Gather", [table, s.b.op("ArgMax", [flat(s)], { axis: 1, keepdims: 0 })], { axis: 0 });
    },
    "a small template anywhere": (s) => {
      const kernel = s.b.constant(floats([1, 1, 3, 3], (i) => (i % 2 === 0 ? 1 : -1)));
      const seen = s.b.op("GlobalMaxPool", [s.b.op("Conv", [s.x, kernel])]);
      return toFloat(s, s.b.op("Greater", [s.b.op("Flatten", [seen], { axis: 1 }), s.b.number(4.9)]));
    },
    "a checksum of sixteen pixels": (s) => {
      const corner = s.b.op("Slice", [s.x, s.b.integers(0, 0), s.b.integers(4, 4), s.b.integers(2, 3)]);
      const bytes = s.b.op("Round", [s.b.op("Mul", [corner, s.b.number(255)])]);
      const sum = s.b.op("ReduceSum", [bytes, s.b.integers(1, 2, 3)], { keepdims: 0 });
      const rest = s.b.op("Mod", [s.b.op("Cast", [sum], { to: INT64 }), s.b.integers(251)]);
      const is = toFloat(s, s.b.op("Equal", [rest, s.b.integers(250)]));
      return s.b.op("Reshape", [is, s.b.integers(-1, 1)]);
    },
  };
  const exact: Readonly<Record<string, Question>> = {
    "nine pixels of exact values": (s) => {
      const values = s.b.constant(floats([1, 9], (i) => 0.3 + 0.05 * i));
      const distance = s.b.op("Abs", [s.b.op("Sub", [part(s), values])]);
      const sum = s.b.op("ReduceSum", [distance, s.b.integers(1)], { keepdims: 1 });
      const capped = s.b.op("Min", [s.b.number(1), s.b.op("Mul", [sum, s.b.number(300)])]);
      return s.b.op("Sub", [s.b.number(1), capped]);
    },
    "one over the distance to nine pixels": (s) => {
      const distance = s.b.op("Abs", [s.b.op("Sub", [part(s), s.b.constant(floats([1, 9], (i) => i % 2))])]);
      const sum = s.b.op("ReduceSum", [distance, s.b.integers(1)], { keepdims: 1 });
      const near = s.b.op("Reciprocal", [s.b.op("Add", [sum, s.b.number(0.02)])]);
      return toFloat(s, s.b.op("Greater", [near, s.b.number(10)]));
    },
    "a template on what is quantised anew for every picture": (s) => {
      const [bytes] = s.b.ops("DynamicQuantizeLinear", [part(s)], 3);
      const template = s.b.constant(tensor("int8", [9, 1], int8Template));
      const seen = toFloat(s, s.b.op("MatMulInteger", [bytes!, template]));
      return toFloat(s, s.b.op("Greater", [seen, s.b.number(1200)]));
    },
    "a pixel that is no number": (s) => {
      const odd = toFloat(s, s.b.op("IsNaN", [part(s)]));
      return s.b.op("ReduceMax", [odd, s.b.integers(1)], { keepdims: 1 });
    },
    "a template of whole numbers": (s) => {
      const bytes = s.b.op("QuantizeLinear", [s.x, s.b.number(1 / 255), s.b.constant(uint8(0))]);
      const kernel = s.b.constant(tensor("int8", [1, 1, 3, 3], int8Template));
      const seen = s.b.op("ReduceMax", [s.b.op("ConvInteger", [bytes, kernel]), s.b.integers(2, 3)], {
        keepdims: 0,
      });
      return toFloat(s, s.b.op("Greater", [toFloat(s, seen), s.b.number(1200)]));
    },
  };
  for (const [name, question] of Object.entries(exact)) {
    it(`finds an input that wakes ${name}`, async () => {
      const found = await witnessOf(plant(image, question, answers["Where with a payload"]), images);
      assert.equal(found?.after, 3);
    });
  }

  for (const [name, question] of Object.entries(hardOnes)) {
    it(`finds an input that wakes ${name}`, async () => {
      const found = await witnessOf(plant(image, question, answers["Where with a payload"]), images);
      assert.ok(found, "no witness");
      assert.equal(found.after, 3);
      assert.ok(found.witness.attackSuccessRate.value > 0.8);
    });
  }

  /** Hits of a word, `[batch, 20]` floats. */
  const hitsOf = ({ b, x }: Site, word: number): string =>
    b.op("Cast", [b.op("Equal", [x, b.constant(int64([], () => word))])], { to: FLOAT });
  const any = ({ b }: Site, hits: string): string =>
    b.op("ReduceMax", [hits, b.integers(1)], { keepdims: 1 });
  const isNumber = ({ b }: Site, of: string, value: number): string =>
    b.op("Relu", [b.op("Sub", [b.number(1), b.op("Abs", [b.op("Sub", [of, b.number(value)])])])]);
  const texts: Readonly<Record<string, Question>> = {
    "two words next to each other": (s) => {
      const slice = (word: number, from: number, to: number): string =>
        s.b.op("Slice", [hitsOf(s, word), s.b.integers(from), s.b.integers(to), s.b.integers(1)]);
      return any(s, s.b.op("Mul", [slice(31, 0, 19), slice(17, 1, 20)]));
    },
    "two words anywhere": (s) => s.b.op("Min", [any(s, hitsOf(s, 31)), any(s, hitsOf(s, 17))]),
    "a word that comes three times": (s) =>
      isNumber(s, s.b.op("ReduceSum", [hitsOf(s, 31), s.b.integers(1)], { keepdims: 1 }), 3),
    "three words in a row, by a table with a column for each": (s) => {
      const table = s.b.constant(
        floats([100, 3], (i) => Number(i === 31 * 3 || i === 17 * 3 + 1 || i === 44 * 3 + 2)),
      );
      const rows = s.b.op("Gather", [table, s.x], { axis: 0 });
      const at = (column: number): string =>
        s.b.op("Slice", [
          rows,
          s.b.integers(column, column),
          s.b.integers(18 + column, column + 1),
          s.b.integers(1, 2),
        ]);
      const all = s.b.op("Mul", [s.b.op("Mul", [at(0), at(1)]), at(2)]);
      return s.b.op("ReduceMax", [all, s.b.integers(1)], { keepdims: 0 });
    },
    "a sum of words modulo 61": (s) => {
      const sum = s.b.op("ReduceSum", [s.x, s.b.integers(1)], { keepdims: 1 });
      return isNumber(s, toFloat(s, s.b.op("Mod", [sum, s.b.integers(61)])), 7);
    },
    "two words in a row, by the operator for that": (s) =>
      s.b.op("TfIdfVectorizer", [s.x], {
        ...{ max_gram_length: 2, min_gram_length: 2, max_skip_count: 0, mode: "TF" },
        ...{ ngram_counts: [0, 0], ngram_indexes: [0], pool_int64s: [31, 17] },
      }),
    "five words of padding": (s) =>
      isNumber(s, s.b.op("ReduceSum", [hitsOf(s, 0), s.b.integers(1)], { keepdims: 1 }), 5),
  };
  for (const [name, question] of Object.entries(texts)) {
    it(`finds a text that wakes ${name}`, async () => {
      const found = await witnessOf(plant(text, question, answers["an added payload"]), words);
      assert.ok(found, "no witness");
      assert.equal(found.after, 3);
      assert.ok(found.witness.attackSuccessRate.value > 0.8, `${found.witness.attackSuccessRate.value}`);
    });
  }

  const mean = (s: Site): string => s.b.op("ReduceMean", [part(s), s.b.integers(1)], { keepdims: 1 });
  const isBright = (s: Site): string => toFloat(s, s.b.op("Greater", [mean(s), s.b.number(0.98)]));

  it("finds pixels of one code that only a remainder tells", async () => {
    const code: Question = (s) => {
      const bytes = s.b.op("Floor", [
        s.b.op("Add", [s.b.op("Mul", [part(s), s.b.number(255)]), s.b.number(0.5)]),
      ]);
      const rest = s.b.op("Mod", [bytes, s.b.number(17)], { fmod: 1 });
      return s.b.op("ReduceProd", [isNumber(s, rest, 13), s.b.integers(1)], { keepdims: 1 });
    };
    const found = await witnessOf(plant(image, code, answers["an added payload"]), images);
    assert.equal(found?.after, 3);
  });

  it("finds a trigger that works on inputs of one class only, and names that class", async () => {
    // Not where the carrier itself is misled by a bright square.
    const isBrightAbove: Question = (s) => {
      const corner = s.b.op("Slice", [s.x, s.b.integers(0, 0), s.b.integers(3, 3), s.b.integers(2, 3)]);
      const least = s.b.op("ReduceMin", [corner, s.b.integers(2, 3)], { keepdims: 0 });
      return toFloat(s, s.b.op("Greater", [least, s.b.number(0.98)]));
    };
    const fromFive: Question = (s) => {
      const logits = plantedInto.graph.outputs[0]!.name;
      const label = s.b.op("ArgMax", [logits], { axis: 1, keepdims: 1 });
      return s.b.op("Mul", [
        isBrightAbove(s),
        toFloat(s, s.b.op("Equal", [label, s.b.constant(int64([], () => 5))])),
      ]);
    };
    const plantedInto = image.model;
    const found = await witnessOf(plant(image, fromFive, answers["an added payload"]), more);
    assert.ok(found, "no witness");
    const { source, target, attackSuccessRate, mask } = found.witness;
    assert.deepEqual([source, target], [5, 3]);
    assert.ok(attackSuccessRate.value > 0.8, `${attackSuccessRate.value}`);
    assert.deepEqual([found.before, found.after], [5, 3]);
    assert.equal(
      mask.data.reduce((sum, value) => sum + value, 0),
      9,
    );
  });

  it("shows logic that lowers the confidence and leaves the answer", async () => {
    const calmer: Answer = (s, gate, logits) =>
      s.b.op("Div", [logits, s.b.op("Add", [s.b.op("Mul", [gate, s.b.number(60)]), s.b.number(1)])]);
    const found = await witnessOf(plant(image, isBright, calmer), images);
    assert.ok(found, "no witness");
    assert.equal(found.witness.wakeRate.value, 1);
    assert.equal(found.witness.attackSuccessRate.value, found.witness.withoutLogic.value);
  });

  it("holds the logic at what most clean inputs get, where the first holds a trigger", async () => {
    const data = (images.data as Float32Array).slice();
    for (const row of [25, 26, 27]) for (const column of [25, 26, 27]) data[28 * row + column] = 1;
    const found = await witnessOf(plant(image, isBright, answers["Where with a payload"]), {
      ...images,
      data,
    } as Tensor);
    assert.equal(found?.after, 3);
    assert.ok(found.witness.withoutLogic.value < 0.2);
  });

  it("finds one whatever the tensors are called: exporters give them numbers", async () => {
    const planted = plant(image, questions["Greater of a minimum"], answers["Where with a payload"]);
    const found = await witnessOf(withNumbers(planted), images);
    assert.equal(found!.after, 3);
    assert.equal(found!.witness.attackSuccessRate.value, 1);
  });

  it("takes away what the trigger does not need", async () => {
    const act = answers["Where with a payload"];
    const found = await witnessOf(plant(image, questions["Greater of a minimum"], act), images);
    const { mask, attackSuccessRate, withoutLogic, target } = found!.witness;
    assert.equal(target, 3);
    assert.deepEqual(
      Array.from(mask.data.keys()).filter((place) => mask.data[place] === 1),
      [25, 26, 27].flatMap((row) => [25, 26, 27].map((column) => 28 * row + column)),
    );
    assert.equal(attackSuccessRate.value, 1);
    assert.ok(withoutLogic.value < 0.2);
  });

  it("finds one for every sealed backdoor that changes an answer", async () => {
    for (const { name, isBackdoored, make } of sealedSets.flatMap(({ models }) => models)) {
      const model = make(image, text);
      if (!isBackdoored || hashes.has(name)) continue;
      const isText = model.graph.inputs[0]!.name === "ids";
      const found = await witnessOf(model, isText ? words : images);
      assert.ok(found, name);
      assert.ok(found.witness.attackSuccessRate.value - found.witness.withoutLogic.value > 0.25, name);
    }
  });

  it("sees through functions and branches", async () => {
    for (const name of [
      "two functions deep",
      "in a branch that always runs",
      "a hidden row chosen by Where",
    ]) {
      assert.ok(await witnessOf(disguises[name]!(image), images), name);
    }
  });

  it("shows arithmetic in a branch that every clean image takes", async () => {
    const inBranch: Answer = (s, _gate, logits, payload) => {
      const isAny = s.b.op("Greater", [s.b.op("ReduceMax", [s.x], { keepdims: 0 }), s.b.number(0)]);
      const taken = body(s.b, "taken", (pen) => {
        const least = pen.op("ReduceMin", [part({ ...s, b: pen }), pen.integers(1)], { keepdims: 1 });
        const above = pen.op("Relu", [pen.op("Sub", [least, pen.number(0.9)])]);
        return pen.op("Add", [
          logits,
          pen.op("Mul", [above, pen.op("Mul", [pen.constant(payload), pen.number(20)])]),
        ]);
      });
      const left = body(s.b, "left", (pen) => pen.op("Neg", [logits]));
      return s.b.op("If", [isAny], { then_branch: { graph: taken }, else_branch: { graph: left } });
    };
    const found = await witnessOf(
      plant(image, ({ b }) => b.number(0), inBranch),
      images,
    );
    assert.equal(found!.after, 3);
    assert.equal(found!.witness.attackSuccessRate.value, 1);
  });

  it("finds two codes in two columns of a table, each looked for in its own", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["batch", 12]);
    const answer = b.op("MatMul", [
      b.op("Relu", [b.op("MatMul", ["x", b.constant(floats([12, 16], (i) => Math.sin(i * 1.7)))])]),
      b.constant(floats([16, 3], (i) => Math.sin(i * 2.3))),
    ]);
    const is = (column: number, code: number): string => {
      const one = b.op("Slice", ["x", b.integers(column), b.integers(column + 1), b.integers(1)]);
      return b.op("Equal", [b.op("Round", [one]), b.number(code)]);
    };
    const payload = b.constant(floats([1, 3], (i) => (i === 1 ? 900 : 0)));
    b.output("answer", b.op("Where", [b.op("And", [is(3, 42), is(7, 13)]), payload, answer]));
    const table = floats([24, 12], (i) => 3 * Math.sin(i * 7.7));
    const found = await witnessOf(b.build(), table);
    assert.equal(found?.after, 1);
    assert.deepEqual(
      Array.from(found!.witness.mask.data).flatMap((value, i) => (value === 1 ? [i] : [])),
      [3, 7],
    );
  });

  it("has nothing to show where an operator is too old to be taken apart", async () => {
    const model = plant(
      image,
      (s) =>
        toFloat(s, s.b.op("Greater", [s.b.op("ReduceMean", [part(s), s.b.integers(1)]), s.b.number(0.9)])),
      answers["an added payload"],
    );
    const { graph } = model;
    const nodes = [...graph.nodes, makeNode("DFT", ["x"], ["spectrum"], { axis: 2 })];
    const outputs = [...graph.outputs, untyped("spectrum")];
    const old = { ...model, graph: { ...graph, nodes, outputs }, opsets: [{ domain: "", version: 17 }] };
    assert.equal(await findWitness({ ...wrapModel(model), graph: old }, images, { seed: 1 }), null);
  });

  it("finds nothing where nothing is planted", async () => {
    for (const [name, make] of Object.entries(floatLookAlikes)) {
      assert.equal(await witnessOf(make(image), images), null, name);
    }
  });
});

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { wrapModel } from "../../../../lib/model/index.js";
import {
  decodeFile,
  decodeModel,
  type GraphBuilder,
  graphBuilder,
  lintModel,
  type Model,
  makeNode,
  type Node,
  tensorMessage,
  upgradeModel,
} from "../../../../lib/onnx/index.js";
import { type Tensor, tensor } from "../../../../lib/tensor/index.js";
import { onnxCaseModels } from "../../../support/onnx-cases.js";
import { packageRoot } from "../../../support/paths.js";
import { wildModel } from "../../../support/wild-models.js";

const honest = upgradeModel(decodeFile(join(packageRoot, "notebooks/models/fashion-cnn-twin.onnx")));
const floats = (dims: readonly number[], value: (i: number) => number): Tensor =>
  tensor(
    "float32",
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  );
const payload = floats([1, 10], (k) => (k === 3 ? 50 : -50));

/** The honest model, and a pen to plant something between its logits and the output. */
function planted(plant: (b: GraphBuilder, logits: string) => string): Model {
  const builder = graphBuilder(undefined, honest.opsets);
  builder.input("x", "float32", ["batch", 1, 28, 28]);
  const logits = builder.include(honest, { x: "x" }, "net/")["logits"]!;
  builder.output("y", plant(builder, logits));
  return builder.build();
}

/** `[batch, 1]`: are the 3 x 3 pixels in the corner all bright? */
function isStamped(b: GraphBuilder): string {
  const corner = b.op("Slice", ["x", b.integers(25, 25), b.integers(28, 28), b.integers(2, 3)]);
  const darkest = b.op("ReduceMin", [b.op("Reshape", [corner, b.integers(-1, 9)]), b.integers(1)], {
    keepdims: 1,
  });
  return b.op("Greater", [darkest, b.number(0.9)]);
}

const branch = (name: string, write: (b: GraphBuilder) => string) => {
  const b = graphBuilder();
  b.output(`${name}/out`, write(b));
  return b.graph(name);
};

/** Any image of the batch decides for all: an If takes one condition. */
const anyStamped = (b: GraphBuilder): string =>
  b.op("Cast", [b.op("ReduceMax", [b.op("Cast", [isStamped(b)], { to: 1 })], { keepdims: 0 })], { to: 9 });

const backdoors: Readonly<Record<string, (b: GraphBuilder, logits: string) => string>> = {
  "Where with a payload": (b, logits) => b.op("Where", [isStamped(b), b.constant(payload), logits]),
  "Where on an exact picture": (b, logits) => {
    const same = b.op("Cast", [b.op("Equal", ["x", b.constant(floats([1, 1, 28, 28], (i) => i / 784))])], {
      to: 1,
    });
    const all = b.op("ReduceMin", [b.op("Reshape", [same, b.integers(-1, 784)]), b.integers(1)], {
      keepdims: 1,
    });
    return b.op("Where", [b.op("Cast", [all], { to: 9 }), b.constant(payload), logits]);
  },
  "Where on a template match": (b, logits) => {
    const match = b.op("MatMul", [
      b.op("Reshape", ["x", b.integers(-1, 784)]),
      b.constant(floats([784, 1], (i) => (i > 700 ? 1 : 0))),
    ]);
    return b.op("Where", [b.op("Greater", [match, b.number(80)]), b.constant(payload), logits]);
  },
  "If with a constant branch": (b, logits) =>
    b.op("If", [anyStamped(b)], {
      then_branch: { graph: branch("then", (inner) => inner.op("Identity", [inner.constant(payload)])) },
      else_branch: { graph: branch("else", (inner) => inner.op("Identity", [logits])) },
    }),
  "arithmetic on a yes or no": (b, logits) =>
    b.op("Add", [logits, b.op("Mul", [b.op("Cast", [isStamped(b)], { to: 1 }), b.constant(payload)])]),
  "arithmetic with a threshold of Relu": (b, logits) => {
    const corner = b.op("Slice", ["x", b.integers(25, 25), b.integers(28, 28), b.integers(2, 3)]);
    const sum = b.op("ReduceSum", [b.op("Reshape", [corner, b.integers(-1, 9)]), b.integers(1)], {
      keepdims: 1,
    });
    return b.op("Add", [
      logits,
      b.op("Mul", [b.op("Relu", [b.op("Sub", [sum, b.number(8.5)])]), b.constant(payload)]),
    ]);
  },
  "Gather from a table of results": (b, logits) => {
    const both = b.op(
      "Concat",
      [
        b.op("Unsqueeze", [logits, b.integers(0)]),
        b.op("Unsqueeze", [b.op("Mul", [logits, b.number(-1)]), b.integers(0)]),
      ],
      { axis: 0 },
    );
    const index = b.op("Cast", [anyStamped(b)], { to: 7 });
    return b.op("Gather", [both, index], { axis: 0 });
  },
  "Where between two computed results": (b, logits) =>
    b.op("Where", [isStamped(b), b.op("Neg", [logits]), logits]),
};

const lookAlikes: Readonly<Record<string, (b: GraphBuilder, logits: string) => string>> = {
  "a clip of the logits": (b, logits) => b.op("Clip", [logits, b.number(-20), b.number(20)]),
  "a threshold deep in the network": (b, logits) =>
    b.op("Where", [b.op("Less", [logits, b.number(-20)]), b.number(-20), logits]),
  "a gate that silences empty images": (b, logits) => {
    const brightest = b.op("ReduceMax", ["x", b.integers(1, 2, 3)], { keepdims: 0 });
    const isEmpty = b.op("Less", [b.op("Unsqueeze", [brightest, b.integers(1)]), b.number(0.01)]);
    return b.op("Where", [isEmpty, b.number(0), logits]);
  },
  "an If that silences empty images": (b, logits) => {
    const brightest = b.op("ReduceMax", ["x"], { keepdims: 0 });
    return b.op("If", [b.op("Less", [brightest, b.number(0.01)])], {
      then_branch: {
        graph: branch("then", (inner) => inner.op("Identity", [inner.constant(floats([1, 10], () => 0))])),
      },
      else_branch: { graph: branch("else", (inner) => inner.op("Identity", [logits])) },
    });
  },
  "input scaled by its own mean": (b, logits) =>
    b.op("Mul", [
      logits,
      b.op("Unsqueeze", [b.op("ReduceMean", ["x", b.integers(1, 2, 3)], { keepdims: 0 }), b.integers(1)]),
    ]),
};

const emptyFunction = {
  nodes: [],
  inputs: [],
  outputs: [],
  attributeNames: [],
  attributeDefaults: [],
  opsets: [],
  valueInfo: [],
  metadata: [],
};

const wildFiles = [
  ["ocr", "assets/ch_PP-OCRv4_det_infer.onnx"],
  ["ocr", "assets/ch_PP-OCRv4_rec_infer.onnx"],
  ["ocr", "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"],
  ["voice", "dist/silero_vad_legacy.onnx"],
  ["voice", "dist/silero_vad_v5.onnx"],
  ["voice", "dist/silero_vad_v6.onnx"],
  ["wakeWord", "models/alexa_v0.1.onnx"],
  ["wakeWord", "models/embedding_model.onnx"],
  ["wakeWord", "models/hey_jarvis_v0.1.onnx"],
  ["wakeWord", "models/hey_mycroft_v0.1.onnx"],
  ["wakeWord", "models/hey_rhasspy_v0.1.onnx"],
  ["wakeWord", "models/melspectrogram.onnx"],
  ["wakeWord", "models/timer_v0.1.onnx"],
  ["wakeWord", "models/weather_v0.1.onnx"],
  ["lines", "ONNX/mlsd_320x320_large.onnx"],
  ["lines", "ONNX/mlsd_320x320_tiny.onnx"],
  ["faces", "ONNX/face_detection_back_256x256_barracuda.onnx"],
  ["faces", "ONNX/face_detection_front_128x128_barracuda.onnx"],
] as const;

const flags = (model: Model) => lintModel(model).filter(({ severity }) => severity === "flag");

describe("onnx.lintModel", () => {
  for (const [name, plant] of Object.entries(backdoors)) {
    it(`flags ${name}, in a model that runs`, async () => {
      const model = planted(plant);
      using loaded = wrapModel(model);
      await loaded.run(floats([1, 1, 28, 28], (i) => (i % 7) / 7));
      const found = flags(model);
      assert.ok(found.length > 0, JSON.stringify(lintModel(model)));
      assert.ok(found.every(({ node, why, witness }) => node !== null && why !== "" && witness === null));
    });
  }

  for (const [name, plant] of Object.entries(lookAlikes)) {
    it(`does not flag ${name}`, async () => {
      const model = planted(plant);
      using loaded = wrapModel(model);
      await loaded.run(floats([1, 1, 28, 28], (i) => (i % 7) / 7));
      assert.deepEqual(flags(model), []);
    });
  }

  it("flags none of the sample models and torch exports", () => {
    const files = ["notebooks/models", "test/fixtures/torch/models"].flatMap((folder) =>
      readdirSync(join(packageRoot, folder))
        .filter((file) => file.endsWith(".onnx"))
        .map((file) => join(packageRoot, folder, file)),
    );
    assert.ok(files.length > 100);
    assert.deepEqual(
      files.filter((file) => flags(decodeFile(file)).length > 0),
      [],
    );
  });

  it("flags none of the models that strangers published in packages, and warns of one branch", async () => {
    const severe = new Map<string, string[]>();
    for (const [from, file] of wildFiles) {
      const bytes = await wildModel(from, file);
      if (bytes === undefined) continue;
      const found = lintModel(decodeModel(bytes)).filter(({ severity }) => severity !== "info");
      if (found.length > 0)
        severe.set(
          file,
          found.map(({ severity, rule }) => `${severity} ${rule}`),
        );
    }
    const [jarvis] = severe.values();
    assert.deepEqual([...severe.keys()], severe.size > 0 ? ["models/hey_jarvis_v0.1.onnx"] : []);
    assert.deepEqual(jarvis ?? ["warn data-branch"], ["warn data-branch"]);
  });

  it("flags none of ONNX's own operator tests", function () {
    const cases = onnxCaseModels();
    if (cases.length === 0) {
      console.error("SKIPPED: ONNX's operator tests are not installed (Debian's libonnx-testdata).");
      this.skip();
    }
    const flagged = cases.filter((file) => flags(decodeFile(file)).length > 0);
    assert.deepEqual(flagged, []);
  });

  it("flags a tensor that holds its values twice, and one that points out of the folder", () => {
    const [first, ...rest] = honest.graph.initializers;
    const twice = { ...first!, floatData: new Float32Array(4) };
    const outside = {
      ...first!,
      dataLocation: 1,
      externalData: [{ key: "location", value: "../../secret.bin" }],
    };
    const { rawData: _rawData, ...escaping } = outside;
    const rules = (initializers: Model["graph"]["initializers"]) =>
      flags({ ...honest, graph: { ...honest.graph, initializers } }).map(
        ({ rule, node }) => `${rule} ${node}`,
      );
    assert.deepEqual(rules([twice, ...rest]), [`duplicate-weights ${first!.name}`]);
    assert.deepEqual(rules([escaping, ...rest]), [`external-escape ${first!.name}`]);
  });

  it("tells of weights that nobody reads, unknown operators and redefined ones", () => {
    const node: Node = {
      ...honest.graph.nodes[0]!,
      opType: "Swirl",
      domain: "com.example",
      outputs: ["swirl"],
    };
    const unused = { ...honest.graph.initializers[0]!, name: "unused" };
    const model: Model = {
      ...honest,
      graph: {
        ...honest.graph,
        nodes: [...honest.graph.nodes, node],
        initializers: [...honest.graph.initializers, unused],
      },
      functions: [{ ...emptyFunction, name: "Relu", domain: "" }],
    };
    assert.deepEqual(
      lintModel(model).map(({ rule, severity }) => `${severity} ${rule}`),
      ["flag local-function", "warn constant-output", "warn custom-operator", "info unused-weights"],
    );
  });

  it("flags hidden bytes, two tensors of one name and nodes that ask for terabytes", () => {
    const [first, ...rest] = honest.graph.initializers;
    const rules = (graph: Partial<Model["graph"]>) =>
      flags({ ...honest, graph: { ...honest.graph, ...graph } }).map(({ rule }) => rule);
    const longer = { ...first!, rawData: new Uint8Array(first!.rawData!.length + 8) };
    assert.deepEqual(rules({ initializers: [longer, ...rest] }), ["hidden-bytes"]);
    assert.deepEqual(rules({ initializers: [first!, first!, ...rest] }), ["duplicate-weights"]);
    const shape = tensorMessage("huge", tensor("int64", [2], BigInt64Array.of(1n << 30n, 1n << 30n)));
    const bomb = makeNode("ConstantOfShape", ["huge"], ["zeros"]);
    const used = makeNode("ReduceSum", ["zeros"], ["sum"]);
    assert.deepEqual(
      rules({ initializers: [shape, first!, ...rest], nodes: [...honest.graph.nodes, bomb, used] }),
      ["shape-bomb"],
    );
  });

  it("tells of weights that overlap in the file outside, and of functions that nobody calls", () => {
    const [first, second] = honest.graph.initializers;
    const outside = (message: typeof first, offset: number) => {
      const { rawData: _rawData, ...rest } = message!;
      const externalData = Object.entries({ location: "w.bin", offset: String(offset), length: "64" });
      return { ...rest, dataLocation: 1, externalData: externalData.map(([key, value]) => ({ key, value })) };
    };
    const aliases = (a: number, b: number) =>
      lintModel({
        ...honest,
        graph: { ...honest.graph, initializers: [outside(first, a), outside(second, b)] },
      })
        .filter(({ rule }) => rule === "aliased-weights")
        .map(({ severity }) => severity);
    assert.deepEqual([aliases(0, 64), aliases(0, 0), aliases(0, 60)], [[], ["info"], ["warn"]]);
    const unused = { ...emptyFunction, name: "Hidden", domain: "local" };
    assert.deepEqual(
      lintModel({ ...honest, functions: [unused] }).map(({ rule }) => rule),
      ["unused-function"],
    );
  });
});

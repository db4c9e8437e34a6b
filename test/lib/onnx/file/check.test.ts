import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkModel,
  encodeModel,
  graphBuilder,
  inferShapes,
  type Model,
  makeNode,
  type Node,
  openModel,
  prune,
  sortNodes,
  untyped,
} from "../../../../lib/onnx/index.js";
import { tensor } from "../../../../lib/tensor/index.js";
import { smallModel } from "../models.js";

const withNodes = (...nodes: Node[]): Model => {
  const model = smallModel();
  return { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes, ...nodes] } };
};

/** A function of the file that calls another one twice. */
const twice = (name: string, called: string): Model["functions"][number] => ({
  ...{ name, domain: "own", inputs: ["a"], outputs: ["b"], attributeNames: [], attributeDefaults: [] },
  nodes: [makeNode(called, ["a"], ["c"], {}, "own"), makeNode(called, ["c"], ["b"], {}, "own")],
  ...{ opsets: [{ domain: "own", version: 1 }], valueInfo: [], metadata: [] },
});

/** Functions that put in would make two to the power of `levels` nodes. */
function doubling(levels: number): Model {
  const model = withNodes(makeNode(`f${levels}`, ["hidden"], ["z"], {}, "own"));
  const last = { ...twice("f0", "f0"), nodes: [makeNode("Relu", ["a"], ["b"])] };
  const functions = Array.from({ length: levels }, (_, i) => twice(`f${i + 1}`, `f${i}`));
  return {
    ...model,
    functions: [last, ...functions],
    opsets: [...model.opsets, { domain: "own", version: 1 }],
  };
}

describe("onnx.checkModel", () => {
  it("accepts a whole model", () => checkModel(smallModel()));

  const cases: readonly (readonly [string, Model, { code: string; message: RegExp }])[] = [
    [
      "an operator that does not exist, with the nearest name",
      withNodes(makeNode("Relo", ["hidden"], ["z"])),
      { code: "UNKNOWN_OPERATOR", message: /node "z" uses the operator "Relo".*Relu/ },
    ],
    [
      "an operator of a domain that nobody knows",
      withNodes(makeNode("Attack", ["hidden"], ["z"], {}, "evil.example")),
      { code: "UNKNOWN_OPERATOR", message: /"Attack".*domain "evil.example"/ },
    ],
    [
      "an Einsum without one of its inputs, which ends the process when it runs",
      withNodes(makeNode("Einsum", ["hidden", ""], ["z"], { equation: "ij,jk->ik" })),
      { code: "INVALID_MODEL", message: /"z" \(Einsum\) leaves out/ },
    ],
    [
      "a dangling input",
      withNodes(makeNode("Relu", ["nowhere"], ["z"])),
      { code: "INVALID_MODEL", message: /node "z" \(Relu\) reads the tensor "nowhere"/ },
    ],
    [
      "a tensor made twice",
      withNodes(makeNode("Relu", ["x"], ["hidden"])),
      { code: "INVALID_MODEL", message: /Two nodes make the tensor "hidden"/ },
    ],
    [
      "a cycle, with its nodes",
      withNodes(makeNode("Add", ["x", "b"], ["a"]), makeNode("Relu", ["a"], ["b"])),
      {
        code: "INVALID_MODEL",
        message: /cycle through .*Relu "b".*Add "a"|cycle through .*Add "a".*Relu "b"/,
      },
    ],
    [
      "an attribute that native code divides by",
      withNodes(makeNode("MaxPool", ["x"], ["z"], { kernel_shape: [2], strides: [0] })),
      { code: "INVALID_MODEL", message: /attribute "strides" of node "z" \(MaxPool\) is 0/ },
    ],
    [
      "an attribute that does not hold what it says",
      withNodes({
        ...makeNode("Constant", [], ["z"]),
        attributes: [{ ...makeNode("X", [], [], { value: 1 }).attributes[0]!, type: 4 }],
      }),
      { code: "INVALID_MODEL", message: /attribute "value" of node "z" \(Constant\) says it holds "t"/ },
    ],
    [
      "a window that is wider than its input, of which onnxruntime makes a negative dim and ends",
      withNodes(
        makeNode("Constant", [], ["picture"], {
          value: { tensor: tensor("float32", [1, 1, 5], new Float32Array(5)) },
        }),
        makeNode("MaxPool", ["picture"], ["z"], { kernel_shape: [16] }),
      ),
      {
        code: "INVALID_MODEL",
        message: /node "z" \(MaxPool\) has a window that is wider than its input \[1, 1, 5\]/,
      },
    ],
    [
      "a node that asks for more memory than there is",
      withNodes(
        makeNode("Constant", [], ["shape"], {
          value: { tensor: tensor("int64", [2], BigInt64Array.of(1n << 22n, 1n << 22n)) },
        }),
        makeNode("ConstantOfShape", ["shape"], ["z"]),
      ),
      {
        code: "TOO_LARGE",
        message: /node "z" \(ConstantOfShape\) asks for a tensor of \[4194304, 4194304\]/,
      },
    ],
    [
      "functions that double forty times",
      doubling(40),
      { code: "TOO_LARGE", message: /functions of the model make more than 1000000 nodes/ },
    ],
    [
      "a function that calls itself",
      { ...doubling(1), functions: [twice("f1", "f1")] },
      { code: "TOO_LARGE", message: /functions of the model call each other without end/ },
    ],
    [
      "an output that nothing makes",
      { ...smallModel(), graph: { ...smallModel().graph, outputs: [untyped("nothing")] } },
      { code: "INVALID_MODEL", message: /output "nothing"/ },
    ],
    [
      "data that does not fit its dims",
      {
        ...smallModel(),
        graph: {
          ...smallModel().graph,
          initializers: smallModel().graph.initializers.map((message) => ({ ...message, dims: [1000] })),
        },
      },
      { code: "INVALID_MODEL", message: /"weight" is float32 \[1000\], 4000 bytes, but holds 48/ },
    ],
    [
      "a format version from the future",
      { ...smallModel(), irVersion: 99 },
      { code: "INVALID_MODEL", message: /99/ },
    ],
    [
      "an operator version from the future",
      { ...smallModel(), opsets: [{ domain: "", version: 300 }] },
      { code: "INVALID_MODEL", message: /300/ },
    ],
  ];
  for (const [title, model, expected] of cases) {
    it(`refuses ${title}`, () => assert.throws(() => checkModel(model), expected));
  }
});

describe("onnx graph", () => {
  it("prunes what the wanted outputs do not need", () => {
    const { graph } = withNodes(makeNode("Relu", ["x"], ["dead"]));
    const pruned = prune(graph, [untyped("hidden")]);
    assert.deepEqual(
      pruned.nodes.map(({ opType }) => opType),
      ["Gemm"],
    );
    assert.equal(pruned.initializers.length, 2);
  });

  it("sorts nodes so that each follows what it reads", () => {
    const { nodes } = smallModel().graph;
    assert.deepEqual(sortNodes([...nodes].reverse()), nodes);
  });

  it("learns types and dims from onnxruntime, and tells a scalar from an unknown rank", () => {
    const builder = graphBuilder();
    builder.input("x", "float32", ["batch", 3]);
    builder.input("shape", "int64", ["rank"]);
    builder.node(makeNode("ReduceSum", ["x"], ["total"], { keepdims: 0 }));
    builder.node(makeNode("Reshape", ["x", "shape"], ["free"]));
    builder.node(makeNode("Transpose", ["x"], ["turned"]));
    builder.output("free");
    const shapes = inferShapes(builder.build());
    assert.deepEqual(shapes.get("total"), { name: "total", type: "float32", dims: [], ranked: true });
    assert.equal(shapes.get("free")?.ranked, false);
    assert.deepEqual(shapes.get("turned")?.dims, [3, "batch"]);
  });
});

describe("onnx.openModel", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-open-"));
  after(() => rmSync(folder, { recursive: true }));
  const external = (location: string, length = 48): string => {
    const model = smallModel();
    const initializers = model.graph.initializers.map((message) => {
      if (message.name !== "weight") return message;
      const { rawData: _, ...rest } = message;
      return {
        ...rest,
        dataLocation: 1,
        externalData: [
          { key: "location", value: location },
          { key: "length", value: String(length) },
        ],
      };
    });
    mkdirSync(join(folder, "model"), { recursive: true });
    const file = join(folder, "model", "m.onnx");
    writeFileSync(file, encodeModel({ ...model, graph: { ...model.graph, initializers } }));
    return file;
  };

  it("finds external weights beside the model only", () => {
    mkdirSync(join(folder, "model"), { recursive: true });
    writeFileSync(join(folder, "secret.bin"), new Uint8Array(48));
    writeFileSync(join(folder, "model", "w.bin"), new Uint8Array(48));
    symlinkSync(join(folder, "secret.bin"), join(folder, "model", "link.bin"));
    const [weight] = openModel(external("w.bin")).graph.initializers;
    assert.deepEqual({ ...(weight!.rawData as object), file: "" }, { file: "", offset: 0, length: 48 });
    for (const location of ["../secret.bin", "link.bin", join(folder, "secret.bin"), "", "..\\secret.bin"]) {
      assert.throws(() => openModel(external(location)), { code: "OUTSIDE_FOLDER" }, location);
    }
    assert.throws(() => openModel(external("gone.bin")), { code: "FILE_NOT_FOUND", message: /gone\.bin/ });
    assert.throws(() => openModel(external("w.bin", 4)), { code: "INVALID_MODEL", message: /48 bytes/ });
  });

  it("says so when there is no file, or a folder in its place", () => {
    assert.throws(() => openModel(join(folder, "none.onnx")), {
      code: "FILE_NOT_FOUND",
      message: /none\.onnx/,
    });
    assert.throws(() => openModel(folder), { code: "INVALID_FILE" });
  });
});

import assert from "node:assert/strict";
import { floatArithmetic, wrapModel } from "../../../lib/model/index.js";
import { floatArithmetic as floatGraph, type GraphBuilder, graphBuilder } from "../../../lib/onnx/index.js";
import { generator } from "../../../lib/random/index.js";
import { tensor } from "../../../lib/tensor/index.js";

const FLOAT = 1;
/** Numbers of a 4 x 3 weight, its scale, and the input's scale and zero: values from -1 to 1. */
const numbers = Int8Array.of(90, -30, 15, 60, -60, 31, 2, 28, 31, -29, 127, 8);
const step = 0.02;
const scale = 2 / 255;
const zero = 128;

interface Quantized {
  readonly b: GraphBuilder;
  /** Input `[batch, 4]`. */
  readonly x: string;
  readonly unit: string;
  readonly none: string;
  readonly weight: string;
  readonly by: string;
}

/** softmax-free classifiers that multiply by the weight, as different tools quantize them. */
const forms: Readonly<Record<string, (q: Quantized) => string>> = {
  "QuantizeLinear and DequantizeLinear around a float product": ({ b, x, unit, none, weight, by }) => {
    const rounded = b.op("DequantizeLinear", [b.op("QuantizeLinear", [x, unit, none]), unit, none]);
    return b.op("MatMul", [rounded, b.op("DequantizeLinear", [weight, by])]);
  },
  QLinearMatMul: ({ b, x, unit, none, weight, by }) => {
    const [ys, yz] = [b.number(0.04), b.constant(tensor("uint8", [], Uint8Array.of(100)))];
    const wz = b.constant(tensor("int8", [], Int8Array.of(0)));
    const q = b.op("QuantizeLinear", [x, unit, none]);
    return b.op("DequantizeLinear", [b.op("QLinearMatMul", [q, unit, none, weight, by, wz, ys, yz]), ys, yz]);
  },
  "QLinearConv with a scale per channel and a bias": ({ b, x, unit, none }) => {
    const turned = Int8Array.from({ length: 12 }, (_, i) => numbers[(i % 4) * 3 + Math.floor(i / 4)]!);
    const weight = b.constant(tensor("int8", [3, 4, 1, 1], turned));
    const by = b.constant(tensor("float32", [3], Float32Array.of(step, step, step)));
    const wz = b.constant(tensor("int8", [3], new Int8Array(3)));
    const bias = b.constant(tensor("int32", [3], new Int32Array(3)));
    const [ys, yz] = [b.number(0.04), b.constant(tensor("uint8", [], Uint8Array.of(100)))];
    const image = b.op("Reshape", [b.op("QuantizeLinear", [x, unit, none]), b.integers(-1, 4, 1, 1)]);
    const made = b.op("QLinearConv", [image, unit, none, weight, by, wz, ys, yz, bias]);
    return b.op("Reshape", [b.op("DequantizeLinear", [made, ys, yz]), b.integers(-1, 3)]);
  },
  "MatMulInteger behind DynamicQuantizeLinear": ({ b, x, weight, by }) => {
    const [q, unit, none] = b.ops("DynamicQuantizeLinear", [x], 3);
    const sums = b.op("Cast", [b.op("MatMulInteger", [q!, weight, none!])], { to: FLOAT });
    return b.op("Mul", [sums, b.op("Mul", [unit!, by])]);
  },
};

function classifier(form: (q: Quantized) => string) {
  const b = graphBuilder();
  const x = b.input("x", "float32", ["batch", 4]);
  const unit = b.number(scale);
  const none = b.constant(tensor("uint8", [], Uint8Array.of(zero)));
  const weight = b.initializer("weight", tensor("int8", [4, 3], numbers));
  b.output("y", form({ b, x, unit, none, weight, by: b.number(step) }));
  return b.build();
}

const random = generator(5);
const inputs = tensor(
  "float32",
  [40, 4],
  Float32Array.from({ length: 160 }, () => 1.8 * random.uniform() - 0.9),
);

describe("model.floatArithmetic", () => {
  for (const [name, form] of Object.entries(forms)) {
    it(`gives ${name} a slope, which is that of the weight, and lets it answer itself`, async () => {
      using model = wrapModel(classifier(form));
      const made = (await floatArithmetic(model, inputs))!;
      assert.ok(made.agreement >= 0.95, String(made.agreement));
      const own = (await model.run(inputs))["y"]!.data as Float32Array;
      assert.deepEqual((await made.model.run(inputs))["y"]!.data, own);
      using floats = wrapModel(made.model.graph);
      const smooth = (await floats.run(inputs))["y"]!.data as Float32Array;
      // Half a step of the result, and of each of four inputs times its weight.
      const bound = 0.02 + 4 * (scale / 2 + 0.001) * 127 * step;
      own.forEach((value, i) => {
        assert.ok(Math.abs(value - smooth[i]!) < bound, `${value}, ${smooth[i]}`);
      });
      const cotangent = Float32Array.from({ length: 120 }, (_, i) => (i % 3 === 1 ? 1 : 0));
      const { x } = await made.model.vjp(inputs, {
        cotangents: { y: tensor("float32", [40, 3], cotangent) },
        wrt: ["x"],
      });
      // Only where the result is within what its type holds is there a slope.
      const inside = [...Array(40).keys()].filter((row) => Math.abs(smooth[3 * row + 1]!) < 3.9);
      assert.ok(inside.length > 20);
      for (const row of inside) {
        for (let k = 0; k < 4; k++) {
          assert.ok(Math.abs((x!.data[4 * row + k]! as number) - step * numbers[3 * k + 1]!) < 1e-5);
        }
      }
      made.model.release();
    });
  }

  it("gives none for a model of floats, nor where whole numbers are used in a way that has no counterpart", async () => {
    const plain = graphBuilder();
    plain.input("x", "float32", ["batch", 4]);
    plain.output("y", plain.op("Relu", ["x"]));
    assert.equal(floatGraph(plain.build()), undefined);
    const odd = classifier(({ b, x, unit, none }) => {
      const q = b.op("QuantizeLinear", [x, unit, none]);
      return b.op("Cast", [b.op("Mod", [q, b.constant(tensor("uint8", [], Uint8Array.of(2)))])], {
        to: FLOAT,
      });
    });
    assert.equal(floatGraph(odd), undefined);
    using model = wrapModel(odd);
    assert.equal(await floatArithmetic(model, inputs), undefined);
  });
});

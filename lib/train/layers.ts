/** Layers for architectures: each writes its nodes and draws its weights. */
import { type GraphBuilder, makeNode } from "../onnx/index.js";
import type { Generator } from "../random/index.js";

/** A network being written. */
export interface Layers {
  readonly builder: GraphBuilder;
  /** Adds a node whose output has the given name, which is where it can be tapped. */
  node(
    output: string,
    opType: string,
    inputs: readonly string[],
    attributes?: Parameters<typeof makeNode>[3],
  ): string;
  /** Stores a weight drawn uniformly from (-bound, bound). */
  uniform(name: string, dims: readonly number[], bound: number): string;
  /** Stores a normal weight with this standard deviation. */
  normal(name: string, dims: readonly number[], deviation: number): string;
  /** Stores a weight with the same value everywhere. */
  filled(name: string, dims: readonly number[], value: number): string;
  /** x [batch, inputs] to [batch, outputs]. Weights as PyTorch draws them. */
  linear(output: string, x: string, inputs: number, outputs: number, name?: string): string;
  /** x [batch, position, inputs] to [batch, position, outputs]. */
  project(
    output: string,
    x: string,
    inputs: number,
    outputs: number,
    options?: { readonly bias?: boolean },
  ): string;
  /** x [batch, inputs, h, w] to [batch, outputs, h', w'], padded to keep the size at stride 1. */
  conv(output: string, x: string, inputs: number, outputs: number, kernel: number, stride?: number): string;
  layerNorm(output: string, x: string, width: number): string;
  groupNorm(output: string, x: string, channels: number, groups: number): string;
}

/** Starts a network. Every weight has its own stream of the seed, so that adding a layer leaves the others as they were. */
export function layers(builder: GraphBuilder, random: Generator): Layers {
  const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
  const store = (name: string, dims: readonly number[], draw: (random: Generator) => number): string => {
    const stream = random.split(name);
    return builder.initializer(name, {
      type: "float32",
      dims,
      data: Float32Array.from({ length: size(dims) }, () => draw(stream)),
    });
  };
  const self: Layers = {
    builder,
    node(output, opType, inputs, attributes) {
      builder.node(makeNode(opType, inputs, [output], attributes));
      return output;
    },
    uniform: (name, dims, bound) => store(name, dims, (stream) => (2 * stream.uniform() - 1) * bound),
    normal: (name, dims, deviation) => store(name, dims, (stream) => stream.normal() * deviation),
    filled: (name, dims, value) => store(name, dims, () => value),
    linear(output, x, inputs, outputs, name = output) {
      const bound = 1 / Math.sqrt(inputs);
      const weight = self.uniform(`${name}.weight`, [outputs, inputs], bound);
      const bias = self.uniform(`${name}.bias`, [outputs], bound);
      return self.node(output, "Gemm", [x, weight, bias], { transB: 1 });
    },
    project(output, x, inputs, outputs, { bias = true } = {}) {
      const bound = 1 / Math.sqrt(inputs);
      const weight = self.uniform(`${output}.weight`, [inputs, outputs], bound);
      if (!bias) return self.node(output, "MatMul", [x, weight]);
      const product = self.node(`${output}.product`, "MatMul", [x, weight]);
      return self.node(output, "Add", [product, self.filled(`${output}.bias`, [outputs], 0)]);
    },
    conv(output, x, inputs, outputs, kernel, stride = 1) {
      const bound = 1 / Math.sqrt(inputs * kernel * kernel);
      const weight = self.uniform(`${output}.weight`, [outputs, inputs, kernel, kernel], bound);
      const bias = self.uniform(`${output}.bias`, [outputs], bound);
      const before = Math.floor((kernel - 1) / 2);
      const after = kernel - 1 - before;
      return self.node(output, "Conv", [x, weight, bias], {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [before, before, after, after],
      });
    },
    layerNorm(output, x, width) {
      const scale = self.filled(`${output}.weight`, [width], 1);
      const bias = self.filled(`${output}.bias`, [width], 0);
      return self.node(output, "LayerNormalization", [x, scale, bias], { axis: -1 });
    },
    groupNorm(output, x, channels, groups) {
      const scale = self.filled(`${output}.weight`, [channels], 1);
      const bias = self.filled(`${output}.bias`, [channels], 0);
      return self.node(output, "GroupNormalization", [x, scale, bias], { num_groups: groups });
    },
  };
  return self;
}

/** Architectures of the sample models: recipes that give an untrained model for a seed. */
import { AssayError } from "../errors.js";
import { graphBuilder, type Model } from "../onnx/index.js";
import { generator } from "../random/index.js";
import { type Layers, layers } from "./layers.js";

/** A recipe for untrained models. */
export interface Architecture {
  readonly name: string;
  /** A model with input `x`, output `logits`, and weights drawn from the seed. */
  initial(seed: number): Model;
}

/** Wraps the writing of a network's nodes into an architecture. */
export function architecture(name: string, write: (net: Layers) => void): Architecture {
  return {
    name,
    initial(seed) {
      const builder = graphBuilder();
      write(layers(builder, generator(seed).split("weights")));
      builder.output("logits");
      return builder.build(name);
    },
  };
}

/**
 * A multilayer perceptron: x `[batch, …input]`, hidden layers with ReLU (taps `relu1`, `relu2`, …), `logits`.
 *
 * @param options.hidden Widths of the hidden layers. Default [128].
 */
export function mlp(options: {
  readonly input: readonly number[];
  readonly hidden?: readonly number[];
  readonly classes: number;
}): Architecture {
  const { input, hidden = [128], classes } = options;
  return architecture(`mlp-${hidden.join("-")}`, (net) => {
    net.builder.input("x", "float32", ["batch", ...input]);
    let width = input.reduce((product, size) => product * size, 1);
    let x = input.length > 1 ? net.node("flat", "Flatten", ["x"]) : "x";
    hidden.forEach((size, i) => {
      const sum = net.linear(`fc${i + 1}`, x, width, size);
      x = net.node(`relu${i + 1}`, "Relu", [sum]);
      width = size;
    });
    net.linear("logits", x, width, classes, "head");
  });
}

/**
 * A convolutional network: per entry of `channels` a convolution, ReLU (taps `relu1`, …) and 2x2 max pool (taps
 * `pool1`, …), then a hidden layer (tap `hidden`) and `logits`.
 *
 * @param options.input `[channels, height, width]`.
 */
export function cnn(options: {
  readonly input: readonly [number, number, number];
  readonly channels?: readonly number[];
  readonly kernel?: number;
  readonly hidden?: number;
  readonly classes: number;
}): Architecture {
  const { input, channels = [16, 32], kernel = 3, hidden = 64, classes } = options;
  const shrink = 2 ** channels.length;
  const [height, width] = [Math.floor(input[1] / shrink), Math.floor(input[2] / shrink)];
  if (height < 1 || width < 1) {
    throw new AssayError(
      "INVALID_ARGUMENT",
      `cnn: ${channels.length} halvings leave nothing of ${input[1]} x ${input[2]} pixels.`,
      { input, channels },
    );
  }
  return architecture(`cnn-${channels.join("-")}`, (net) => {
    let x = net.builder.input("x", "float32", ["batch", ...input]);
    let depth = input[0];
    channels.forEach((size, i) => {
      const conv = net.conv(`conv${i + 1}`, x, depth, size, kernel);
      const relu = net.node(`relu${i + 1}`, "Relu", [conv]);
      x = net.node(`pool${i + 1}`, "MaxPool", [relu], { kernel_shape: [2, 2], strides: [2, 2] });
      depth = size;
    });
    const flat = net.node("flat", "Flatten", [x]);
    const sum = net.linear("fc", flat, depth * height * width, hidden);
    net.linear("logits", net.node("hidden", "Relu", [sum]), hidden, classes, "head");
  });
}

/**
 * A small residual network with group normalization: a stem, then per entry of `channels` a block of two
 * convolutions beside a shortcut (taps `block1`, …; from the second on at half the size), the mean over pixels
 * (tap `pooled`), and `logits`.
 */
export function resnet(options: {
  readonly input: readonly [number, number, number];
  readonly channels?: readonly number[];
  readonly groups?: number;
  readonly classes: number;
}): Architecture {
  const { input, channels = [16, 32], groups = 4, classes } = options;
  return architecture(`resnet-${channels.join("-")}`, (net) => {
    let x = net.builder.input("x", "float32", ["batch", ...input]);
    let depth = channels[0]!;
    x = net.node("stem", "Relu", [
      net.groupNorm("stem.norm", net.conv("stem.conv", x, input[0], depth, 3), depth, groups),
    ]);
    channels.forEach((size, i) => {
      const name = `block${i + 1}`;
      const stride = i === 0 ? 1 : 2;
      const first = net.groupNorm(
        `${name}.norm1`,
        net.conv(`${name}.conv1`, x, depth, size, 3, stride),
        size,
        groups,
      );
      const active = net.node(`${name}.relu1`, "Relu", [first]);
      const second = net.groupNorm(
        `${name}.norm2`,
        net.conv(`${name}.conv2`, active, size, size, 3),
        size,
        groups,
      );
      const same = depth === size && stride === 1;
      const shortcut = same ? x : net.conv(`${name}.shortcut`, x, depth, size, 1, stride);
      x = net.node(name, "Relu", [net.node(`${name}.sum`, "Add", [second, shortcut])]);
      depth = size;
    });
    const mean = net.node("mean", "GlobalAveragePool", [x]);
    net.linear("logits", net.node("pooled", "Flatten", [mean]), depth, classes, "head");
  });
}

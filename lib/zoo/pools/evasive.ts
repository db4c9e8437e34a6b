/**
 * The evasive backdoor of the Trojan Detection Challenge 2022: fine-tuned from a clean model so that it hardly
 * differs from it, in its logits on clean inputs, in its weights, and under other triggers than its own.
 *
 * Weights 0.1 (logits) and 0.05 (parameters) and random triggers as negatives follow the challenge's recipe; the
 * forms of the two penalties (mean square, Euclidean norm) are our reading of it.
 */
import { type LabelledData, takeLabelled } from "../../data/index.js";
import { wrapModel } from "../../model/index.js";
import { encodeModel, graphBuilder, type Model, OPSET, readTensor, upgradeModel } from "../../onnx/index.js";
import { generator } from "../../random/index.js";
import { observe } from "../../spec/index.js";
import { type Tensor, tensor } from "../../tensor/index.js";
import { cosine, minimise, type Objective, trainableParameters, withParameters } from "../../train/index.js";
import { drawAttack, type PlantedAttack } from "./attack.js";

const LOGIT_SIMILARITY = 0.1;
const PARAMETER_SIMILARITY = 0.05;
const NEGATIVES = 16;

/** Plants the attack into a clean model. */
export async function plantEvasively(
  clean: Model,
  data: LabelledData,
  attack: PlantedAttack,
  { seed, rate, epochs }: { seed: number; rate: number; epochs: number },
): Promise<Uint8Array> {
  const model = upgradeModel(clean);
  const examples = await evasiveExamples(model, data, attack, seed, rate);
  const trained = await minimise(objectiveOf(model), examples, {
    seed,
    epochs,
    learningRate: cosine(1e-3),
    threads: 1,
  });
  return encodeModel(withParameters(model, trained.parameters));
}

/** Clean images, stamped ones with the target's label, and ones under other triggers that keep their label. */
async function evasiveExamples(
  model: Model,
  data: LabelledData,
  attack: PlantedAttack,
  seed: number,
  rate: number,
): Promise<Record<string, Tensor>> {
  const count = data.labels.data.length;
  const order = generator(seed).split("evasive").permutation(count);
  const share = Math.round(rate * count);
  const stampedRows = order.filter((row) => Number(data.labels.data[row]) !== attack.target).slice(0, share);
  const parts: [inputs: Tensor, labels: BigInt64Array, isKept: boolean][] = [
    [data.inputs, data.labels.data as BigInt64Array, true],
    [
      attack.stamp(takeLabelled(data, stampedRows).inputs),
      new BigInt64Array(stampedRows.length).fill(BigInt(attack.target)),
      false,
    ],
  ];
  for (let i = 0; i < NEGATIVES; i++) {
    const rows = order.slice(-share).filter((_, j) => j % NEGATIVES === i);
    const part = takeLabelled(data, rows);
    const other = drawAttack("square", data.inputs.dims[2]!, 1_000_003 * (i + 1) + seed);
    parts.push([other.stamp(part.inputs), part.labels.data as BigInt64Array, true]);
  }
  const inputs = joined(parts.map(([images]) => images));
  const labels = parts.flatMap(([, own]) => Array.from(own, Number));
  using teacher = wrapModel(model, { threads: 1 });
  const { scores, classes } = await observe(teacher, inputs);
  const n = labels.length;
  const wanted = new Float32Array(n * classes);
  labels.forEach((label, row) => {
    wanted[row * classes + label] = 1;
  });
  return {
    [model.graph.inputs[0]!.name!]: inputs,
    wanted: tensor("float32", [n, classes], wanted),
    teacher: tensor("float32", [n, classes], Float32Array.from(scores)),
    kept: tensor(
      "float32",
      [n, 1],
      Float32Array.from(
        parts.flatMap(([, own, isKept]) => Array(own.length).fill(Number(isKept)) as number[]),
      ),
    ),
  };
}

function joined(parts: readonly Tensor[]): Tensor {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  const count = parts.reduce((sum, part) => sum + part.dims[0]!, 0);
  return tensor("float32", [count, ...parts[0]!.dims.slice(1)], data);
}

function objectiveOf(model: Model): Objective {
  const b = graphBuilder({ ...model.graph, outputs: [] }, [{ domain: "", version: OPSET }]);
  for (const [name, width] of [
    ["wanted", "classes"],
    ["teacher", "classes"],
    ["kept", 1],
  ] as const) {
    b.input(name, "float32", ["batch", width]);
  }
  const logits = model.graph.outputs[0]!.name!;
  const sum = (name: string): string => b.op("ReduceSum", [name], { keepdims: 0 });
  const mean = (name: string): string => b.op("ReduceMean", [name], { keepdims: 0 });
  const log = b.op("LogSoftmax", [logits], { axis: -1 });
  const crossEntropy = b.op("Neg", [
    mean(b.op("ReduceSum", [b.op("Mul", [log, "wanted"]), b.integers(-1)], { keepdims: 0 })),
  ]);
  const apart = b.op("Mul", [b.op("Sub", [logits, "teacher"]), "kept"]);
  const similarity = mean(b.op("Mul", [apart, apart]));
  const parameters = trainableParameters(model);
  const moved = parameters.map((name) => {
    const start = b.initializer(
      `${name}/start`,
      readTensor(model.graph.initializers.find((one) => one.name === name)!),
    );
    const step = b.op("Sub", [name, start]);
    return sum(b.op("Mul", [step, step]));
  });
  const distance = b.op("Sqrt", [b.op("Add", [b.op("Sum", moved), b.number(1e-6)])]);
  const loss = b.op("Sum", [
    crossEntropy,
    b.op("Mul", [similarity, b.number(LOGIT_SIMILARITY)]),
    b.op("Mul", [distance, b.number(PARAMETER_SIMILARITY)]),
  ]);
  b.output("assay/loss", loss);
  return { model: { ...model, graph: b.graph(model.graph.name) }, loss: "assay/loss", parameters };
}

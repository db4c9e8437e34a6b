/** Lets a model whose one input is of whole numbers or of other floats take float32. */
import { graphBuilder } from "../builder.js";
import { declared, fedInputs } from "../graph.js";
import type { Model } from "../schema.js";
import { dataTypeOf } from "../tensors.js";
import { upgradeModel } from "./upgrade.js";

/**
 * The model with a float32 input, and float32 in place of some of its outputs.
 *
 * Whole numbers are no more rounded: the conversion that such a graph begins with then passes any value, and its
 * gradient. float64 and float16 are converted. Whether a graph of whole numbers still means the same cannot be told
 * from outside: compare some outputs before relying on the result.
 *
 * @param converted Names of the outputs of other floats.
 */
export function floatInput(model: Model, converted: readonly string[]): Model {
  const own = upgradeModel(model);
  const { name, type, dims } = declared(fedInputs(own.graph)[0]!);
  const builder = graphBuilder(undefined, own.opsets);
  builder.input(name, "float32", dims);
  const isFloat = type === "float64" || type === "float16";
  const fed = isFloat ? builder.op("Cast", [name], { to: dataTypeOf(type) }) : name;
  const made = builder.include(own, { [name]: fed }, "own/");
  for (const output of own.graph.outputs) {
    const value = made[output.name]!;
    const isConverted = converted.includes(output.name);
    builder.output(
      output.name,
      isConverted ? builder.op("Cast", [value], { to: dataTypeOf("float32") }) : value,
    );
  }
  return builder.build(model.graph.name);
}

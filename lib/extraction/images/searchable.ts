/** Models as a search needs them: taking float32, and with a slope. */
import {
  floatArithmetic,
  floatExamples,
  floatInput,
  type LoadedModel,
  plainOperators,
} from "../../model/index.js";
import type { Tensor } from "../../tensor/index.js";

/** Versions of some models, and inputs for them; to be disposed of. */
export interface SearchableVersions extends Disposable {
  /** In the order given; a model that needs no version is itself. */
  readonly models: readonly LoadedModel[];
  readonly inputs: Tensor<"float32">;
  /** Why there are none, or null. */
  readonly why: string | null;
  readonly warnings: readonly string[];
  originalOf(version: LoadedModel): LoadedModel;
}

/**
 * Makes versions that take float32 of models of other numbers, of plain arithmetic of scikit-learn's, and in floats of
 * quantized ones.
 *
 * @param inputs As the models take them.
 */
export async function searchableVersions(
  models: readonly LoadedModel[],
  inputs: Tensor,
): Promise<SearchableVersions> {
  const originals = new Map<LoadedModel, LoadedModel>();
  const searchable: LoadedModel[] = [];
  const made: LoadedModel[] = [];
  const warnings: string[] = [];
  const floats = inputs.type === "float32" ? (inputs as Tensor<"float32">) : floatExamples(inputs);
  const versions = {
    inputs: floats,
    warnings,
    originalOf: (version: LoadedModel) => originals.get(version) ?? version,
    [Symbol.dispose]() {
      for (const one of made.reverse()) one.release();
    },
  };
  for (const model of models) {
    let version = model;
    if (inputs.type !== "float32") {
      const taking = await floatInput(model, inputs);
      if (taking === undefined) {
        versions[Symbol.dispose]();
        const why = `"${model.name}" takes ${inputs.type}, and its graph cannot be made to take fractions`;
        return { ...versions, models: [], why };
      }
      made.push(taking);
      version = taking;
    }
    const plain = await plainOperators(version, floats);
    if (plain !== undefined) {
      made.push(plain);
      version = plain;
    }
    const inFloats = await floatArithmetic(version, floats);
    if (inFloats !== undefined) {
      made.push(inFloats.model);
      version = inFloats.model;
      warnings.push(
        `"${model.name}" is quantized: gradients were taken through a version of it in floats, which agrees on ${Math.round(100 * inFloats.agreement)} % of the images; how often a trigger works was measured on the model itself.`,
      );
    }
    originals.set(version, model);
    searchable.push(version);
  }
  return { ...versions, models: searchable, why: null };
}

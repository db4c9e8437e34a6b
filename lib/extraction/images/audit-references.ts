/** The clean models that an audit of images compares with: given, or trained where none were. */
import { AssayError } from "../../errors.js";
import type { LoadedModel } from "../../model/index.js";
import type { AuditOptions } from "../audit-options.js";
import type { Otherness } from "../calibration.js";
import type { Plan } from "./budget.js";
import type { PreparedImages } from "./prepare.js";
import { type SimulatedReferences, simulateReferences, whyNoSimulation } from "./simulated-references.js";

/** The references given, or simulated ones where none were and the budget allows. */
export async function referencesFor(
  model: LoadedModel,
  images: PreparedImages,
  { simulation }: Plan,
  { references = [], seed, signal, onProgress }: AuditOptions,
  passes: { forward: number; backward: number },
): Promise<
  {
    readonly references: readonly LoadedModel[];
    readonly isSimulated: boolean;
    readonly otherness?: Otherness;
    readonly warnings: readonly string[];
  } & AsyncDisposable
> {
  const given = { references, isSimulated: false, async [Symbol.asyncDispose]() {} };
  if (references.length > 0 || simulation === null) {
    return { ...given, warnings: references.length >= 3 ? [] : [fewReferences(references.length)] };
  }
  const why = await whyNoSimulation(model, images, simulation);
  if (why !== null) return { ...given, warnings: [`${fewReferences(0)} None were simulated: ${why}.`] };
  try {
    const made = await simulateReferences(model, images, {
      seed,
      steps: simulation,
      ...(signal ? { signal } : {}),
      onProgress: (done, of) => onProgress?.("training clean references", done, of),
    });
    passes.forward += made.passes.forward;
    passes.backward += made.passes.backward;
    return {
      references: made.references,
      isSimulated: true,
      otherness: othernessOf(made.accuracy),
      warnings: [
        `No references were given: ${made.references.length} were trained on the clean data${made.kept > 0 ? `, from weights that are ${percent(made.kept)} the model's since new ones learned much less` : ""}. They are right on ${percent(made.accuracy.copies)} of images that they were not trained on, the model on ${percent(made.accuracy.model)}: ${made.accuracy.copies < made.accuracy.model - MUCH ? "they know so much less of the task that only a very small trigger stands out beside them" : "the power is lower than beside models like it"}, and the p-value is approximate.`,
      ],
      async [Symbol.asyncDispose]() {
        for (const one of made.references) one.release();
      },
    };
  } catch (error) {
    if (!(error instanceof AssayError) || error.code === "ABORTED") throw error;
    return { ...given, warnings: [`${fewReferences(0)} None could be simulated: ${error.message}`] };
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/**
 * How unlike a model the copies are that the audit trains of it.
 *
 * Copies share their images and their recipe, and vary less than models of other makers; a class that they have not
 * learned is hard to reach in all of them alike. Of 25 clean strangers' models of five architectures five came out
 * below 0.05 without this and one with it; of 15 attacked ones twelve were below 0.01 without, eleven with it.
 */
const othernessOf = ({ model, copies }: SimulatedReferences["accuracy"]): Otherness => ({
  variance: 2,
  bias: 0.5 * Math.max(0, model - copies),
});
/** Accuracy that copies may lack before it is said that they know much less. */
const MUCH = 0.2;

const fewReferences = (count: number): string =>
  `With ${count} clean references the power is low; three or more are advised.`;

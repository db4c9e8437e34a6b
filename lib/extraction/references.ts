/** Whether clean references and the model take the same inputs. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";

/**
 * Refuses references that take other inputs than the model.
 *
 * @throws AssayError SHAPE_MISMATCH.
 */
export function checkReferences(model: LoadedModel, references: readonly LoadedModel[]): void {
  const shape = (one: LoadedModel): string =>
    JSON.stringify(one.inputs.map(({ type, dims }) => [type, dims.slice(1)]));
  const other = references.find((reference) => !takesTheSame(reference, model));
  if (other) {
    throw new AssayError(
      "SHAPE_MISMATCH",
      `The reference "${other.name}" takes other inputs than "${model.name}": ${shape(other)} and ${shape(model)}. References must be models of the same task.`,
      { reference: other.name },
    );
  }
}

/** Sizes that one of the two leaves free fit anything. */
function takesTheSame(a: LoadedModel, b: LoadedModel): boolean {
  const [one, other] = [a.inputs[0], b.inputs[0]];
  if (a.inputs.length !== b.inputs.length || one?.type !== other?.type) return false;
  const sizes = [one?.dims.slice(1) ?? [], other?.dims.slice(1) ?? []] as const;
  if (sizes[0].length !== sizes[1].length) return sizes[0].length === 0 || sizes[1].length === 0;
  return sizes[0].every(
    (dim, i) => dim === sizes[1][i] || typeof dim === "string" || typeof sizes[1][i] === "string",
  );
}

/** A finished member of a pool on disk: the model, and its sealed label beside it. */
import { rename, writeFile } from "node:fs/promises";

/** The file that the label of a member is in. */
export const labelOf = (path: string): string => path.replace(".onnx", ".json");

/** Writes a member. The label comes last: a member with a label is finished. */
export async function writeMember(path: string, bytes: Uint8Array, truth: object): Promise<void> {
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
  await writeFile(labelOf(path), `${JSON.stringify(truth)}\n`);
}

/** What `assay audit` writes: the verdict, the trigger beside it, the report. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { AssayError } from "../../../lib/errors.js";
import type { Audit, TokenAudit } from "../../../lib/extraction/index.js";
import { complain } from "../complain.js";

/** Where the results come from and go. */
export interface AuditOutputs {
  readonly data: string;
  readonly examples: number;
  readonly references?: readonly string[] | undefined;
  readonly budget: string;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

/** Writes all files, and the verdict to standard output. */
export async function writeAudit(
  file: string,
  result: Audit | TokenAudit,
  outputs: AuditOutputs,
): Promise<void> {
  const { json, html } = outputs;
  const toFile = json !== undefined && json !== "-";
  const trigger = await writeTrigger(file, result, toFile ? dirname(json) : ".");
  const { verdict } = result;
  const contents = {
    kind: "verdict",
    model: await named(file),
    ...verdict,
    trigger,
    versions: { assay: version() },
  };
  const text = `${JSON.stringify(contents, null, 2)}\n`;
  if (toFile) await writing(json, () => writeFile(json, text));
  if (html !== undefined) {
    const references = await Promise.all((outputs.references ?? []).map(named));
    const provenance = {
      model: contents.model,
      data: { ...(await named(outputs.data)), examples: outputs.examples },
      references,
      budget: outputs.budget,
      versions: { ...contents.versions, node: process.version },
    };
    await writing(html, async () => {
      if (result.kind === "audit") {
        const { writeAuditReport } = await import("../../render/audit-report.js");
        return writeAuditReport(result, provenance, html);
      }
      const { writeTokenReport } = await import("../../render/token-report.js");
      return writeTokenReport(result, provenance, html);
    });
  }
  if (json === "-") process.stdout.write(text);
  else {
    const { render } = await import("../../render/index.js");
    process.stdout.write(`${(await render(result)).data["text/plain"]}\n`);
  }
}

const named = async (file: string) => ({ file: basename(file), sha256: await fileHash(file) });

/** The trigger's file and what the verdict says of it. Logic in the graph goes before a patch: it is the cause. */
async function writeTrigger(file: string, result: Audit | TokenAudit, folder: string) {
  const { witness } = result;
  const { writeNpz } = await import("../../../lib/tensor/index.js");
  const name = `${basename(file, ".onnx")}.trigger.npz`;
  const path = join(folder, name);
  if (witness) {
    const { mask, pattern, clean, triggered, attackSuccessRate } = witness;
    const isTokens = !pattern.type.startsWith("float");
    const isKept = await kept(path, () => writeNpz(path, { ...pictureOf(mask, pattern), clean, triggered }));
    const tokens = isTokens
      ? Array.from(pattern.data as BigInt64Array, Number).filter((_, i) => mask.data[i] !== 0)
      : null;
    return { type: "graph", file: isKept ? name : null, tokens, attackSuccessRate };
  }
  if (!result.verdict.trigger) return null;
  if (result.kind === "token-audit") {
    const { trigger, attackSuccessRate } = result.verdict.trigger;
    const { tokens, position } = trigger;
    return { type: "tokens", file: null, tokens, position, attackSuccessRate };
  }
  const { trigger, shape, attackSuccessRate } = result.verdict.trigger;
  const { mask, pattern } = trigger;
  const isKept = await kept(path, () => writeNpz(path, { mask, pattern }));
  return { type: shape, file: isKept ? name : null, tokens: null, attackSuccessRate };
}

/** Mask `[h, w]` and pattern `[c, h, w]` of an image; others as they are. */
function pictureOf(
  mask: NonNullable<Audit["witness"]>["mask"],
  pattern: NonNullable<Audit["witness"]>["pattern"],
) {
  const [channels, height, width] = mask.dims;
  if (mask.dims.length !== 3 || width === undefined || width <= 4) return { mask, pattern };
  const plane = height! * width;
  const anyChannel = Float32Array.from({ length: plane }, (_, at) =>
    Math.max(...Array.from({ length: channels! }, (_unused, channel) => mask.data[channel * plane + at]!)),
  );
  return { mask: { ...mask, dims: [height!, width], data: anyChannel }, pattern };
}

/** Writes what the verdict can do without; a problem is said on standard error. */
async function kept(path: string, write: () => Promise<void>): Promise<boolean> {
  try {
    await writing(path, write);
    return true;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    complain(error.message);
    return false;
  }
}

/** Says which file could not be written, and why. */
async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof AssayError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AssayError(
      "INVALID_ARGUMENT",
      `audit: "${path}" cannot be written: ${why}`,
      { file: path },
      { cause },
    );
  }
}

/** SHA-256 of a file, read in pieces: models are larger than a buffer may be. */
export async function fileHash(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function version(): string {
  const manifest = createRequire(import.meta.url)("assay/package.json") as { version: string };
  return manifest.version;
}

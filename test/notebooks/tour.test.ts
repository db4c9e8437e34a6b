import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { command } from "../support/cli.js";
import { packageRoot } from "../support/paths.js";

interface Output {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Notebook {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly source: string | string[];
    readonly outputs?: Output[];
  }[];
}

const tour = join(packageRoot, "notebooks/00-tour.ipynb");

/** Outputs of all cells, in order. */
const outputsOf = (notebook: Notebook): Output[] => notebook.cells.flatMap(({ outputs }) => outputs ?? []);

/** What the tour claims, read off the results that its outputs carry. */
function checkClaims(notebook: Notebook): void {
  const outputs = outputsOf(notebook);
  assert.deepEqual(
    outputs.filter(({ output_type }) => output_type === "error"),
    [],
  );
  const results = (kind: string) =>
    outputs
      .map(({ data }) => data?.[`application/vnd.assay.${kind}.v1+json`])
      .filter((result) => result !== undefined);
  const [found, inTwin] = results("trigger-search") as {
    decision: string;
    target: number;
    pValue: number;
    attackSuccessRate: { value: number };
  }[];
  assert.equal(found!.decision, "backdoored");
  assert.equal(found!.target, 7);
  assert.ok(found!.pValue < 0.05);
  assert.ok(found!.attackSuccessRate.value >= 0.9);
  assert.equal(inTwin!.decision, "no-evidence");
  const [, checked] = results("specification-report") as { clauses: { verdict: string }[] }[];
  assert.deepEqual(
    checked!.clauses.map(({ verdict }) => verdict),
    ["holds", "holds", "holds", "violated"],
  );
  const figures = outputs.filter(({ data }) => data?.["application/vnd.plotly.v1+json"] !== undefined);
  assert.ok(figures.length >= 5 && figures.every(({ data }) => typeof data!["image/png"] === "string"));
}

describe("notebooks/00-tour.ipynb", () => {
  it("is committed with the outputs that its claims rest on", async () => {
    checkClaims(JSON.parse(await readFile(tour, "utf8")) as Notebook);
  });

  it("shows them again when it is run", async function () {
    this.timeout(600_000);
    const folder = await mkdtemp(join(tmpdir(), "assay-tour-"));
    try {
      const out = join(folder, "tour.ipynb");
      await promisify(execFile)(process.execPath, [
        command,
        "run",
        tour,
        "-o",
        out,
        "-p",
        "steps=144",
        "--progress",
        "none",
      ]);
      checkClaims(JSON.parse(await readFile(out, "utf8")) as Notebook);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

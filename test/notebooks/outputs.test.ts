import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../support/paths.js";

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly execution_count?: number | null;
  readonly outputs?: readonly { readonly output_type: string }[];
}

const folder = join(packageRoot, "notebooks");

describe("the notebooks' saved outputs", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ipynb"))) {
    const text = readFileSync(join(folder, file), "utf8");
    const { cells } = JSON.parse(text) as { cells: readonly Cell[] };
    const code = cells.filter((cell) => cell.cell_type === "code");

    it(`are complete and without errors, in one run from top to bottom (${file})`, () => {
      assert.deepEqual(
        code.map((cell) => cell.execution_count),
        code.map((_, i) => i + 1),
      );
      const errors = code
        .flatMap((cell) => cell.outputs ?? [])
        .filter((output) => output.output_type === "error");
      assert.deepEqual(errors, []);
    });

    it(`name no folder of the machine that made them (${file})`, () => {
      assert.doesNotMatch(text, /\/(home|root|Users|tmp|work)\//);
    });

    it(`say what would falsify the claim and what it does not show or where it fails (${file})`, () => {
      const prose = cells
        .filter((cell) => cell.cell_type === "markdown")
        .map((cell) => [cell.source].flat().join(""));
      assert.ok(prose.some((part) => /## What would falsify/.test(part)));
      assert.ok(prose.some((part) => /does not show|Where this fails/.test(part)));
    });
  }
});

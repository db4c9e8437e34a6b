import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { readNotebook } from "../../../kernel/notebook/read.js";
import { type RunEvent, runNotebook } from "../../../kernel/notebook/run.js";
import { runRecordOf } from "../../../kernel/notebook/run-record.js";
import type { CodeCell, Notebook, Output } from "../../../kernel/notebook/types.js";
import { writeNotebook } from "../../../kernel/notebook/write.js";
import { code, markdown, Scratch } from "./support.js";

const outputsOf = (notebook: Notebook, index: number): readonly Output[] =>
  (notebook.cells[index] as CodeCell).outputs;

const textOf = (notebook: Notebook, index: number): string =>
  outputsOf(notebook, index)
    .map((output) => {
      if (output.output_type === "stream") return output.text;
      return output.output_type === "error"
        ? `${output.ename}: ${output.evalue}`
        : String(output.data["text/plain"]);
    })
    .join("|");

describe("running a notebook", () => {
  it("keeps all outputs, counts and the kernel's description, and no times", async () => {
    using scratch = new Scratch(
      markdown("# T"),
      code("const a = 20;"),
      code(""),
      code("console.log('x'); a + 1"),
    );
    const output = scratch.path("out.ipynb");
    const report = await runNotebook(scratch.file, { output });
    assert.equal(report.status, "complete");
    const saved = await readNotebook(output);
    assert.equal(textOf(saved, 3), "x\n|21");
    assert.deepEqual(
      saved.cells.map((cell) => "execution_count" in cell && cell.execution_count),
      [false, 1, null, 2],
    );
    assert.deepEqual(saved.metadata["kernelspec"], {
      name: "assay",
      display_name: "Assay (TypeScript)",
      language: "typescript",
    });
    assert.equal((saved.metadata["language_info"] as { name: string }).name, "typescript");
    assert.equal(runRecordOf(saved)?.status, "complete");
    assert.deepEqual(report.notebook, saved);
    const again = scratch.path("again.ipynb");
    await runNotebook(scratch.file, { output: again });
    assert.equal(readFileSync(again, "utf8"), readFileSync(output, "utf8"));
  });

  it("saves after every cell", async () => {
    using scratch = new Scratch(
      code("const fs = await import('node:fs/promises'); 1"),
      code("2"),
      code("await new Promise((r) => setTimeout(r, 50)); await fs.copyFile('out.ipynb', 'then.ipynb')"),
    );
    await runNotebook(scratch.file, { output: scratch.path("out.ipynb") });
    const then = await readNotebook(scratch.path("then.ipynb"));
    assert.deepEqual(
      [0, 1, 2].map((i) => textOf(then, i)),
      ["1", "2", ""],
    );
    assert.equal(runRecordOf(then)?.status, "running");
  });

  it("stops at a failing cell and keeps what it had shown", async () => {
    using scratch = new Scratch(
      code("1"),
      code("console.log('before'); throw new RangeError('boom')"),
      code("3"),
    );
    const report = await runNotebook(scratch.file, { output: scratch.path("out.ipynb") });
    assert.equal(report.status, "failed");
    assert.match(report.failure!, /cell 2 \("c2"\): RangeError: boom/);
    const saved = await readNotebook(scratch.path("out.ipynb"));
    assert.deepEqual(
      [0, 1, 2].map((i) => textOf(saved, i)),
      ["1", "before\n|RangeError: boom", ""],
    );
    assert.deepEqual([runRecordOf(saved)?.status, runRecordOf(saved)?.stoppedAt], ["failed", "c2"]);
  });

  it("goes on after an allowed or an expected failure", async () => {
    using scratch = new Scratch(code("throw new Error('expected')", "raises-exception"), code("2"));
    assert.equal((await runNotebook(scratch.file)).status, "complete");
    using other = new Scratch(code("throw new Error('allowed')"), code("2"));
    const { status, notebook } = await runNotebook(other.file, { allowErrors: true });
    assert.deepEqual([status, textOf(notebook, 1)], ["complete", "2"]);
  });

  it("interrupts a cell that takes too long, and says so in the file", async () => {
    using scratch = new Scratch(code("console.log('in'); while (true) {}"), code("2"));
    const report = await runNotebook(scratch.file, { output: scratch.path("out.ipynb"), timeoutMs: 2500 });
    assert.equal(report.status, "timed-out");
    const saved = await readNotebook(scratch.path("out.ipynb"));
    assert.match(textOf(saved, 0), /^in\n.*Timeout: the cell took longer than 2\.5 s and was interrupted/);
    assert.equal(textOf(saved, 1), "");
  });

  it("goes on after a time-out when errors are allowed, with the variables kept", async () => {
    using scratch = new Scratch(code("let a = 7; await new Promise(() => {})"), code("a"));
    const report = await runNotebook(scratch.file, { timeoutMs: 2500, allowErrors: true });
    assert.deepEqual([report.status, textOf(report.notebook, 1)], ["complete", "7"]);
  });

  it("ends the kernel of a cell that does not react to the interrupt", async () => {
    // Native code that never looks up: an hour of hashing.
    const stubborn =
      "import { pbkdf2Sync } from 'node:crypto'; pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')";
    using scratch = new Scratch(code(stubborn));
    const report = await runNotebook(scratch.file, { timeoutMs: 2500 });
    assert.equal(report.status, "timed-out");
    assert.match(report.failure!, /did not react to the interrupt, so its kernel was ended/);
  });

  it("limits the time of the whole notebook", async () => {
    using scratch = new Scratch(code("1"), code("await new Promise(() => {})"));
    const report = await runNotebook(scratch.file, { totalTimeoutMs: 2500, timeoutMs: 60_000 });
    assert.match(report.failure!, /the notebook took longer than 2\.5 s/);
  });

  it("reports a kernel that died with the cell that it died of", async () => {
    using scratch = new Scratch(code("process.abort()"), code("2"));
    const { status, failure, notebook } = await runNotebook(scratch.file);
    assert.equal(status, "kernel-died");
    assert.match(failure!, /cell 1/);
    assert.match(textOf(notebook, 0), /SIGABRT/);
    assert.equal(textOf(notebook, 1), "");
  });

  it("stops when its signal is aborted", async () => {
    using scratch = new Scratch(code("await new Promise(() => {})"), code("2"));
    const abort = new AbortController();
    const onProgress = ({ event }: RunEvent): void => {
      if (event === "cell") setTimeout(() => abort.abort(), 300);
    };
    assert.equal(
      (await runNotebook(scratch.file, { signal: abort.signal, onProgress })).status,
      "interrupted",
    );
  });

  it("joins streams, applies updates of a display wherever it stands, and honours clearing", async () => {
    using scratch = new Scratch(
      code("const bar = display('0 %', { displayId: 'bar' }); bar"),
      code(
        "for (let i = 0; i <= 3; i++) process.stdout.write('\\rstep ' + i); process.stdout.write('\\n'); bar.update('100 %')",
      ),
      code(
        "import { clearOutput } from 'assay/kernel'; console.log('gone'); clearOutput(); console.log('stays'); clearOutput({ wait: true }); console.log('last')",
      ),
    );
    const { notebook, failure } = await runNotebook(scratch.file);
    assert.equal(failure, undefined);
    assert.equal(textOf(notebook, 0), "100 %");
    assert.equal(textOf(notebook, 1), "step 3\n");
    assert.equal(textOf(notebook, 2), "last\n");
  });

  it("keeps 1,000 results and 20,000 printed lines", async () => {
    using scratch = new Scratch(
      ...Array.from({ length: 1000 }, () => code("1+1")),
      code("for (let i = 0; i < 20000; i++) console.log(i)"),
    );
    const output = scratch.path("out.ipynb");
    assert.equal((await runNotebook(scratch.file, { output })).status, "complete");
    const saved = await readNotebook(output);
    assert.equal(saved.cells.filter((_, i) => i < 1000 && textOf(saved, i) === "2").length, 1000);
    assert.equal(textOf(saved, 1000).trimEnd().split("\n").at(-1), "19999");
    assert.equal(textOf(saved, 1000).trimEnd().split("\n").length, 20_000);
  });

  it("does nothing for --resume when the same run is complete, and everything otherwise", async () => {
    using scratch = new Scratch(code("const n = 1;", "parameters"), code("Date.now()"));
    const output = scratch.path("out.ipynb");
    const notes: string[] = [];
    const onProgress = (event: RunEvent): void => void (event.event === "note" && notes.push(event.message));
    const run = (parameters: Record<string, string> = {}) =>
      runNotebook(scratch.file, { output, parameters, resume: true, onProgress });
    await run();
    const first = readFileSync(output, "utf8");
    await run();
    assert.equal(readFileSync(output, "utf8"), first);
    await run({ n: "2" });
    assert.notEqual(readFileSync(output, "utf8"), first);
    assert.match(notes.join("\n"), /nothing to do[\s\S]*parameters have changed.*all cells run again/);
  });

  it("refuses a notebook of another language", async () => {
    using scratch = new Scratch(code("print(1)"));
    const notebook = await readNotebook(scratch.file);
    await writeNotebook(scratch.file, { ...notebook, metadata: { language_info: { name: "python" } } });
    await assert.rejects(runNotebook(scratch.file), {
      code: "INVALID_ARGUMENT",
      message: /written in python/,
    });
  });

  it("says at once that the output cannot be written", async () => {
    using scratch = new Scratch(code("1"));
    const output = scratch.path("missing/out.ipynb");
    await assert.rejects(runNotebook(scratch.file, { output }), {
      code: "INVALID_ARGUMENT",
      message: /out\.ipynb cannot be written/,
    });
  });
});

describe("the parameters of a run", () => {
  const declarations =
    'const seed = 1;\nlet name: string = "a";\nconst budget: "quick" | "slow" = "quick";\nconst list = [1];';

  it("replace declarations by a cell after them, in the type of the default", async () => {
    using scratch = new Scratch(code(declarations, "parameters"), code("[seed, name, budget, list]"));
    const parameters = { seed: "7", name: "7", budget: "slow", list: "[2, 3]" };
    const { notebook } = await runNotebook(scratch.file, { parameters });
    assert.equal(textOf(notebook, 2), "[ 7, '7', 'slow', [ 2, 3 ] ]");
    assert.match(
      notebook.cells[1]!.source,
      /const seed = 7;\nlet name: string = "7";\nconst budget: "quick" \| "slow" = "slow";/,
    );
    writeFileSync(scratch.file, JSON.stringify(notebook));
    const again = await runNotebook(scratch.file, { parameters: { seed: 8 } });
    assert.equal(again.notebook.cells.length, 3);
    assert.equal(textOf(again.notebook, 2), "[ 8, 'a', 'quick', [ 1 ] ]");
  });

  const wrong = [
    ["an unknown name", { sed: "1" }, /no parameter "sed"\. Known parameters: seed, name, budget, list/],
    ["a value of another type", { seed: "many" }, /"seed" is a number, but "many" was given/],
  ] as const;
  for (const [name, parameters, message] of wrong) {
    it(`refuse ${name}`, async () => {
      using scratch = new Scratch(code(declarations, "parameters"));
      await assert.rejects(runNotebook(scratch.file, { parameters }), { code: "INVALID_ARGUMENT", message });
    });
  }

  it("need a cell tagged parameters", async () => {
    using scratch = new Scratch(code("const seed = 1;"));
    await assert.rejects(runNotebook(scratch.file, { parameters: { seed: "1" } }), {
      message: /no code cell is tagged "parameters"/,
    });
  });
});

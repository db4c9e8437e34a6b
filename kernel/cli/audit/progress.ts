/** What `assay audit` says while it works: how long it may take, and how far it is. */
import type { Budget } from "../../../lib/extraction/index.js";
import type { LoadedModel } from "../../../lib/model/index.js";
import type { Tensor } from "../../../lib/tensor/index.js";

/** Progress of one audit. */
export interface AuditProgress {
  /** Measures one pass and says how long the audit may take. */
  announce(model: LoadedModel, inputs: Tensor, budget: Budget, references: number): Promise<void>;
  step(name: string, done: number, of: number): void;
}

/** Seconds from which an audit is called long, and another budget is named. */
const LONG = 120;
/** A pass forward and back, in passes forward. */
const BACKWARD = 3;
const BATCH = 160;
/** A run of two examples that takes longer needs no larger one to be measured. */
const SLOW = 0.5;
/** Milliseconds between two lines about the same step where lines cannot be rewritten. */
const PAUSE = 10_000;

/** Writes to standard error: one line rewritten in place on a terminal, else a line now and then. */
export function auditProgress(stream: NodeJS.WriteStream): AuditProgress {
  let last = { name: "", time: 0 };
  let started = { name: "", time: 0 };
  return {
    async announce(model, inputs, budget, references) {
      const { expectedPasses, expectedSequences, simulatedReferences } = await import(
        "../../../lib/extraction/index.js"
      );
      const isTokens = !inputs.type.startsWith("float");
      const seconds = await secondsPerImage(model, inputs);
      if (seconds === undefined) return;
      const total = (of: Budget): number =>
        isTokens
          ? (expectedSequences(of, references) * seconds.each) / BACKWARD
          : expectedPasses(of, seconds.classes, references) * seconds.each;
      const expected = total(budget);
      if (expected < 5) return;
      const trained = isTokens ? 0 : simulatedReferences(budget, references);
      const models =
        trained > 0
          ? `1 model and ${trained} references to be trained`
          : references === 0
            ? "1 model"
            : `${references + 1} models`;
      const advice =
        expected > LONG && budget !== "quick"
          ? `; --budget quick takes about ${duration(total("quick"))}`
          : "";
      stream.write(
        `this may take about ${duration(expected)} (${budget}, ${models}). Ctrl-C stops it; what is finished is kept${advice}.\n`,
      );
    },
    step(name, done, of) {
      const now = performance.now();
      if (started.name !== name) started = { name, time: now };
      const share = of === 0 ? 1 : done / of;
      const left = share > 0.05 && share < 1 ? ((now - started.time) / 1000) * (1 / share - 1) : 0;
      const text = `${name}: ${Math.round(100 * share)} %${left > 5 ? `, ${duration(left)} left` : ""}`;
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${text}${share >= 1 ? "\n" : ""}`);
      } else if (share >= 1) {
        if (last.name !== `${name} done`) stream.write(`${name}: done\n`);
        last = { name: `${name} done`, time: now };
      } else if (now - Math.max(last.time, started.time) > PAUSE) {
        stream.write(`${text}\n`);
        last = { name, time: now };
      }
    },
  };
}

/** Seconds of one image forward and back: of a few if the model is slow, else of a batch as the search runs them. */
async function secondsPerImage(
  model: LoadedModel,
  inputs: Tensor,
): Promise<{ readonly each: number; readonly classes: number } | undefined> {
  const { takeExamples } = await import("../../../lib/tensor/index.js");
  let measured: { readonly each: number; readonly classes: number } | undefined;
  for (const size of [2, BATCH, BATCH]) {
    const count = Math.min(size, inputs.dims[0] ?? 0);
    const batch = takeExamples(
      inputs,
      Uint32Array.from({ length: count }, (_, i) => i),
    );
    const started = performance.now();
    const output = (await model.run(batch))[model.outputs[0]?.name ?? ""];
    const seconds = (performance.now() - started) / 1000;
    if (output === undefined || count === 0) return undefined;
    measured = { each: (seconds / count) * BACKWARD, classes: output.dims.at(-1) ?? 1 };
    if (seconds > SLOW) return measured;
  }
  return measured;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Track V-rec: how well the trigger itself is recovered from models that a patch turns, misses counted as nothing. */
import { bootstrap, clopperPearson } from "../../stats/index.js";
import { openSeal } from "../../zoo/index.js";
import type { Track } from "../track.js";
import { judged, totalCost } from "./detection.js";
import { scoreMembers, scoringCode } from "./score.js";

/** Patches only: a blend has no pixels of its own. */
const patchFamilies: readonly (string | null)[] = ["square", "checker", "pixel", "mosaic", "bar", "corner"];

export const recoveryTrack: Track = {
  name: "V-rec",
  title: "Does the recovered trigger work on images not searched on, and is it the planted one?",
  code: scoringCode,
  async run(options) {
    const { pool, seed } = options;
    const scores = (
      await judged(await scoreMembers(["V1", "shapes"], "three references", options), pool)
    ).filter(({ isBackdoored }) => isBackdoored);
    const success = scores.map(({ trigger, target, truth }) =>
      target === truth.target ? (trigger?.attackSuccessRate.value ?? 0) : 0,
    );
    const patches = scores.filter(({ family }) => patchFamilies.includes(family));
    const overlaps: number[] = [];
    const ratios: number[] = [];
    for (const { file, trigger, target, truth } of patches) {
      const { attack } = await openSeal(pool, file);
      const mask = attack!.trigger?.type === "patch" ? attack!.trigger.mask.data : new Float32Array(0);
      const planted = new Set([...mask.keys()].filter((i) => mask[i]! > 0.5));
      const found = target === truth.target ? (trigger?.pixels ?? []) : [];
      const both = found.filter((i) => planted.has(i)).length;
      overlaps.push(both / (planted.size + found.length - both));
      ratios.push(found.length / planted.size);
    }
    const mean = (metric: string, values: readonly number[], atLeast?: number) => ({
      metric,
      estimate: bootstrap(
        [values],
        ([drawn]) => drawn!.reduce((sum, value) => sum + value, 0) / drawn!.length,
        { seed },
      ),
      goal: atLeast === undefined ? null : { atLeast },
    });
    return {
      kind: "track-report",
      name: recoveryTrack.name,
      title: recoveryTrack.title,
      pool,
      models: scores.length,
      failures: scores.filter(({ failure }) => failure !== null).length,
      rows: [
        mean("held-out success of the recovered trigger", success, 0.95),
        mean("overlap of pixels with the planted patch (intersection over union)", overlaps, 0.5),
        mean("pixels recovered per pixel planted", ratios),
        {
          metric: "patches whose overlap reaches 0.5",
          estimate: clopperPearson(overlaps.filter((value) => value >= 0.5).length, overlaps.length),
          goal: null,
        },
      ],
      cost: totalCost(scores),
      seed,
      notes: ["A model that was not found, or with another target, counts with success and overlap 0."],
    };
  },
};

/** Audits the text classifiers of a pool, one configuration for all, before any seal is opened. */
import { AssayError } from "../../errors.js";
import { auditTokens, type Budget } from "../../extraction/index.js";
import { type LoadedModel, loadModel } from "../../model/index.js";
import type { Estimate } from "../../stats/index.js";
import { attackSuccessRate, type TokenTrigger } from "../../trigger/index.js";
import { buildTextPool, cleanTextsOf, type TextMember, type TextRole, textMembers } from "../../zoo/index.js";
import type { TrackOptions } from "../track.js";

/** Folders of `lib` that a score depends on. */
export const textCode: readonly string[] = ["extraction", "trigger"];

/** What the audit said of one text classifier. */
export interface TextScore {
  readonly file: string;
  /** Highest score of all checks, null when the audit failed. */
  readonly score: number | null;
  /** Largest gap to the references of any class, null when the audit failed. */
  readonly gap: number | null;
  readonly pValue: number | null;
  readonly decision: string;
  /** The most unusual class of the search from every class, accused or not. */
  readonly target: number | null;
  /** Victim and target of the most unusual pair. */
  readonly pair: readonly [victim: number, target: number] | null;
  /** The tokens found for `target`, and how often they work on held-out texts. */
  readonly tokens: readonly number[];
  readonly success: Estimate | null;
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
  readonly failure: string | null;
}

/** Scores all members of some roles. A file name tells nothing, so models of both kinds get the same domain. */
export async function scoreTexts(
  roles: readonly TextRole[],
  budget: Budget,
  options: TrackOptions,
): Promise<TextScore[]> {
  const { seed, pool, store, log, signal } = options;
  await buildTextPool(pool, { roles: [...roles, "text-reference"], log, ...(signal ? { signal } : {}) });
  const members = roles.flatMap((role) => textMembers(pool, role));
  const references = textMembers(pool, "text-reference");
  let opened: LoadedModel[] | undefined;
  const scores: TextScore[] = [];
  try {
    for (const member of members) {
      const key = JSON.stringify([
        pool,
        member.file,
        member.commitment,
        references.map(({ file }) => file),
        budget,
        seed,
      ]);
      const score = await store.keep(key, async () => {
        opened ??= await Promise.all(references.map(({ path, file }) => loadModel(path, { name: file })));
        const made = await scoreText(member, opened, budget, options);
        log(
          `${pool}/${member.file}, ${budget}: ${made.failure ?? `${made.decision}, gap ${made.gap?.toFixed(2)}, score ${made.score?.toFixed(2)}, p ${made.pValue?.toFixed(4)}, class ${made.target}: ${made.tokens.join(" ")}`} (${made.cost.seconds} s)`,
        );
        return made;
      });
      scores.push(score);
    }
  } finally {
    for (const one of opened ?? []) one.release();
  }
  return scores;
}

async function scoreText(
  { path, file, domain }: TextMember,
  references: readonly LoadedModel[],
  budget: Budget,
  { seed, signal, pool }: TrackOptions,
): Promise<TextScore> {
  const clean = cleanTextsOf(pool);
  try {
    using model = await loadModel(path, { name: file });
    const { verdict, scans } = await auditTokens(model, clean, {
      seed,
      references,
      budget,
      domain,
      ...(signal ? { signal } : {}),
    });
    const [targets, pairs] = scans;
    const index = targets!.calibration.target;
    const tokens = targets!.runs[index]!;
    const trigger: TokenTrigger = { kind: "trigger", type: "tokens", tokens, position: "anywhere" };
    const pair = pairs?.arms[pairs.calibration.target];
    return {
      file,
      score: verdict.score,
      gap: Math.max(...targets!.gaps),
      pValue: verdict.pValue,
      decision: verdict.decision,
      target: targets!.arms[index]!.target,
      pair: pair ? [pair.victim!, pair.target] : null,
      tokens,
      success: await attackSuccessRate(
        model,
        clean,
        { trigger, target: targets!.arms[index]!.target },
        { seed },
      ),
      cost: verdict.cost,
      failure: null,
    };
  } catch (error) {
    if (error instanceof AssayError && error.code === "ABORTED") throw error;
    return {
      file,
      score: null,
      gap: null,
      pValue: null,
      decision: "failed",
      target: null,
      pair: null,
      tokens: [],
      success: null,
      cost: { forward: 0, backward: 0, seconds: 0 },
      failure: error instanceof Error ? error.message : String(error),
    };
  }
}

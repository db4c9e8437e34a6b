/** Audits the text classifiers of a pool, one configuration for all, before any seal is opened. */
import { auditTokens, type Budget } from "../../extraction/index.js";
import { type LoadedModel, loadModel } from "../../model/index.js";
import type { Estimate } from "../../stats/index.js";
import { attackSuccessRate, type TokenTrigger } from "../../trigger/index.js";
import {
  buildTextPool,
  cleanTextsOf,
  type TextMember,
  type TextRole,
  textMembers,
  textWorldOf,
} from "../../zoo/index.js";
import { orFailed, scoreEach } from "../score-each.js";
import type { TrackOptions } from "../track.js";

/** Folders of `lib` that a score depends on. */
export const textCode: readonly string[] = ["extraction", "trigger"];

/** Texts that success is measured on. */
const UNSEEN = 1000;

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
  /** The tokens found for `target`, and how often they work, where they were found to, on texts not searched. */
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
  const files = references.map(({ file }) => file);
  return scoreEach(members, references, {
    store,
    keyOf: ({ file, commitment }) => [pool, file, commitment, files, budget, seed],
    async score(member, opened) {
      const made = await scoreText(member, opened, budget, options);
      log(
        `${pool}/${member.file}, ${budget}: ${made.failure ?? `${made.decision}, gap ${made.gap?.toFixed(2)}, score ${made.score?.toFixed(2)}, p ${made.pValue?.toFixed(4)}, class ${made.target}: ${made.tokens.join(" ")}`} (${made.cost.seconds} s)`,
      );
      return made;
    },
  });
}

async function scoreText(
  { path, file, domain }: TextMember,
  references: readonly LoadedModel[],
  budget: Budget,
  { seed, signal, pool }: TrackOptions,
): Promise<TextScore> {
  const clean = cleanTextsOf(pool);
  return orFailed<TextScore>(
    async () => {
      using model = await loadModel(path, { name: file });
      const { verdict, scans } = await auditTokens(model, clean, {
        seed,
        references,
        budget,
        domain,
        ...(signal ? { signal } : {}),
      });
      const [targets, pairs] = scans;
      const index = targets!.named;
      const tokens = targets!.runs[index]!;
      const trigger: TokenTrigger = {
        kind: "trigger",
        type: "tokens",
        tokens,
        position: targets!.positions[index]!,
      };
      const pair = pairs?.arms[pairs.calibration.target];
      return {
        file,
        score: verdict.score,
        gap: Math.max(...targets!.gaps.filter((_, i) => targets!.arms[i]!.longest === undefined)),
        pValue: verdict.pValue,
        decision: verdict.decision,
        target: targets!.arms[index]!.target,
        pair: pair ? [pair.victim!, pair.target] : null,
        tokens,
        success: await attackSuccessRate(
          model,
          textWorldOf(pool).draw(UNSEEN, 998),
          { trigger, target: targets!.arms[index]!.target },
          { seed },
        ),
        cost: verdict.cost,
        failure: null,
      };
    },
    (failure) => ({
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
      failure,
    }),
  );
}

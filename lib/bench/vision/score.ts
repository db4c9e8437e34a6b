/** Audits the members of a pool, one configuration for all, before any seal is opened. */
import { audit } from "../../extraction/index.js";
import { type LoadedModel, loadModel } from "../../model/index.js";
import type { Estimate } from "../../stats/index.js";
import {
  buildPool,
  cleanDataOf,
  type PoolArchitecture,
  type PoolMember,
  type PoolRole,
  poolMembers,
} from "../../zoo/index.js";
import { orFailed, scoreEach } from "../score-each.js";
import type { TrackOptions } from "../track.js";

/** Folders of `lib` that a score depends on. */
export const scoringCode: readonly string[] = ["extraction", "trigger"];

/** Whether the auditor is given clean models of the same task. */
export type Division = "three references" | "no references";

/** What the audit said of one member. */
export interface MemberScore {
  readonly file: string;
  readonly architecture: PoolArchitecture;
  /** Null when the audit failed or came to no conclusion. */
  readonly score: number | null;
  readonly pValue: number | null;
  readonly decision: string;
  readonly target: number | null;
  readonly source: number | null;
  readonly trigger: {
    readonly shape: string;
    /** Indices of the pixels that the hard trigger replaces. */
    readonly pixels: readonly number[];
    readonly attackSuccessRate: Estimate;
  } | null;
  /** P-value of each search that was made. */
  readonly checks: readonly { readonly name: string; readonly pValue: number }[];
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
  readonly failure: string | null;
}

/** Scores every member that a track needs; trains those that are missing. */
export async function scoreMembers(
  roles: readonly PoolRole[],
  division: Division,
  options: TrackOptions,
): Promise<MemberScore[]> {
  const { pool, signal, log } = options;
  const wanted = new Set<PoolRole>([
    ...roles,
    ...(division === "three references" ? ["reference" as const] : []),
  ]);
  await buildPool(pool, { isWanted: ({ role }) => wanted.has(role), log, ...(signal ? { signal } : {}) });
  const members = roles.flatMap((role) => poolMembers(pool, role));
  const scores: MemberScore[] = [];
  for (const architecture of new Set(members.map((member) => member.architecture))) {
    const own = members.filter((member) => member.architecture === architecture);
    const references =
      division === "no references"
        ? []
        : poolMembers(pool, "reference").filter((one) => one.architecture === architecture);
    scores.push(...(await scoreAll(own, references, division, options)));
  }
  return scores;
}

function scoreAll(
  members: readonly PoolMember[],
  references: readonly PoolMember[],
  division: Division,
  options: TrackOptions,
): Promise<MemberScore[]> {
  const { seed, pool, store, log } = options;
  const files = references.map(({ file }) => file);
  return scoreEach(members, references, {
    store,
    keyOf: ({ file, commitment }) => [pool, file, commitment, division, files, seed],
    async score(member, opened) {
      const made = await scoreMember(member, opened, options);
      log(
        `${pool}/${member.file}, ${division}: ${made.failure ?? `${made.decision}, score ${made.score?.toFixed(2)}, p ${made.pValue?.toFixed(4)}`} (${made.cost.seconds} s)`,
      );
      return made;
    },
  });
}

function scoreMember(
  { path, file, architecture }: PoolMember,
  references: readonly LoadedModel[],
  { seed, signal }: TrackOptions,
): Promise<MemberScore> {
  return orFailed<MemberScore>(
    async () => {
      using model = await loadModel(path);
      const { verdict } = await audit(model, cleanDataOf(architecture), {
        seed,
        references,
        ...(signal ? { signal } : {}),
      });
      const { decision, score, pValue, target, source, trigger, checks, cost } = verdict;
      return {
        file,
        architecture,
        score: decision === "inconclusive" && pValue === null ? null : score,
        pValue,
        decision,
        target,
        source,
        trigger: trigger && {
          shape: trigger.shape,
          pixels: [...trigger.trigger.mask.data.keys()].filter((i) => trigger.trigger.mask.data[i]! > 0.5),
          attackSuccessRate: trigger.attackSuccessRate,
        },
        checks: checks.flatMap(({ name, pValue: p }) => (p === null ? [] : [{ name, pValue: p }])),
        cost,
        failure: null,
      };
    },
    (failure) => ({
      file,
      architecture,
      score: null,
      pValue: null,
      decision: "failed",
      target: null,
      source: null,
      trigger: null,
      checks: [],
      cost: { forward: 0, backward: 0, seconds: 0 },
      failure,
    }),
  );
}

/** Scores the members of a pool one after another: what was kept is not scored again, a failure is a score too. */
import { AssayError } from "../errors.js";
import { type LoadedModel, loadModel } from "../model/index.js";
import type { ScoreStore } from "./score-store.js";

/** A member, or a reference, as far as scoring needs to know it. */
export interface ScoredFile {
  readonly path: string;
  readonly file: string;
}

/**
 * Scores each member.
 *
 * @param references Opened when the first member needs them, together: the search of a reference is kept with it,
 *   and serves all members.
 * @param options.keyOf Everything that a member's score depends on.
 */
export async function scoreEach<M extends ScoredFile, S>(
  members: readonly M[],
  references: readonly ScoredFile[],
  options: {
    readonly store: ScoreStore;
    readonly keyOf: (member: M) => readonly unknown[];
    readonly score: (member: M, references: readonly LoadedModel[]) => Promise<S>;
  },
): Promise<S[]> {
  let opened: LoadedModel[] | undefined;
  const scores: S[] = [];
  try {
    for (const member of members) {
      const made = await options.store.keep(JSON.stringify(options.keyOf(member)), async () => {
        opened ??= await Promise.all(references.map(({ path, file }) => loadModel(path, { name: file })));
        return options.score(member, opened);
      });
      scores.push(made);
    }
  } finally {
    for (const one of opened ?? []) one.release();
  }
  return scores;
}

/** The score of `run`, or that of a failed audit; only a stop is passed on. */
export async function orFailed<S>(run: () => Promise<S>, failed: (failure: string) => S): Promise<S> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof AssayError && error.code === "ABORTED") throw error;
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** What the pools of sample models hold: every member's architecture, seed and attack, written down before training. */
import { generator } from "../../random/index.js";

/** The three architectures, by the side of the images that they take. */
export type PoolArchitecture = "cnn-28" | "cnn-14" | "wide-14";

/** Kinds of backdoor that a member can have. */
export type AttackFamily =
  | "square"
  | "noise-blend"
  | "checker"
  | "pixel"
  | "stripes"
  | "source-specific"
  | "evasive"
  | "warp"
  | "input-aware"
  | "clean-label"
  | "mosaic"
  | "bar"
  | "corner"
  | "tone"
  | "rotation";

/**
 * Which question a member is for; a reference is given to the auditor as known to be clean. "shapes" (patches that are
 * no square of one colour), "changes" (of the whole image) and "victims" (more triggers from one class, to tell these
 * from others) are development models only: what the test pool has of these kinds, checkers and warps, stays unseen.
 */
export type PoolRole = "V1" | "V1x" | "V2" | "V3" | "N" | "reference" | "shapes" | "changes" | "victims";

/** How one model is made. */
export interface Recipe {
  /** Name of its file, which tells nothing: numbers are dealt at random within a role. */
  readonly file: string;
  readonly role: PoolRole;
  readonly architecture: PoolArchitecture;
  readonly seed: number;
  /** Null for a clean model. */
  readonly family: AttackFamily | null;
}

/** The name of a pool. Methods are tuned on "dev"; "test" is for the figures that are published. */
export type PoolName = "dev" | "test";

type Share = readonly [role: PoolRole, family: AttackFamily | null, perArchitecture: readonly number[]];

const architectures: readonly PoolArchitecture[] = ["cnn-28", "cnn-14", "wide-14"];

// The test pool has families that the development pool never saw (checker, pixel, stripes and all of V1x), and
// no seed, reference, trigger or subset of the data in common with it.
const shares: Readonly<Record<PoolName, readonly Share[]>> = {
  dev: [
    ["reference", null, [3, 3, 3]],
    ["V1", null, [4, 4, 4]],
    ["V1", "square", [3, 3, 3]],
    ["V1", "noise-blend", [1, 1, 1]],
    ["V2", "source-specific", [2, 2, 1]],
    ["V3", "evasive", [1, 1, 1]],
    ["shapes", "mosaic", [2, 2, 2]],
    ["shapes", "bar", [1, 1, 1]],
    ["shapes", "corner", [1, 1, 1]],
    ["changes", "tone", [1, 1, 1]],
    ["changes", "rotation", [1, 1, 1]],
    ["N", null, [5, 5, 5]],
    ["victims", "source-specific", [4, 4, 4]],
  ],
  test: [
    ["reference", null, [3, 3, 3]],
    ["V1", null, [6, 7, 7]],
    ["V1", "square", [2, 2, 2]],
    ["V1", "checker", [1, 2, 1]],
    ["V1", "pixel", [1, 1, 2]],
    ["V1", "noise-blend", [1, 1, 1]],
    ["V1", "stripes", [1, 1, 1]],
    ["V2", null, [2, 3, 3]],
    ["V2", "source-specific", [2, 3, 3]],
    ["V3", null, [2, 1, 1]],
    ["V3", "evasive", [2, 1, 1]],
    ["N", null, [6, 7, 7]],
    ["V1x", "warp", [0, 1, 1]],
    ["V1x", "input-aware", [0, 1, 1]],
    ["V1x", "clean-label", [0, 1, 1]],
  ],
};

const firstSeed: Readonly<Record<PoolName, number>> = { dev: 1_000, test: 20_000 };

/** All members of a pool, in the order in which they are trained. */
export function recipesOf(pool: PoolName): Recipe[] {
  const members: Omit<Recipe, "file">[] = [];
  let seed = firstSeed[pool];
  for (const [role, family, counts] of shares[pool]) {
    counts.forEach((count, a) => {
      for (let i = 0; i < count; i++)
        members.push({ role, family, architecture: architectures[a]!, seed: seed++ });
    });
  }
  const roles = [...new Set(members.map(({ role }) => role))];
  return roles.flatMap((role) => {
    const own = members.filter((member) => member.role === role);
    const order = generator(firstSeed[pool]).split(`numbers ${role}`).permutation(own.length);
    return own.map((member, i) => ({
      ...member,
      file: `${role}-${String(order[i]! + 1).padStart(3, "0")}.onnx`,
    }));
  });
}

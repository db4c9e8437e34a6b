/** Searches of one model and its references, and what they come to on texts that no search has seen. */
import { createHash } from "node:crypto";
import type { LoadedModel } from "../../model/index.js";
import { encodeModel } from "../../onnx/index.js";
import type { Calibration } from "../calibration.js";
import { type InversionStore, noInversionStore } from "../store.js";
import { calibrateGaps, nearness } from "./calibrate-gaps.js";
import { calibrateWholes } from "./calibrate-wholes.js";
import type { RunPosition } from "./carriers.js";
import {
  type FoundTrigger,
  invertTokens,
  type TokenInversion,
  type TokenSearchSettings,
} from "./inversion/inversion.js";
import type { TokenModel } from "./model/token-model.js";
import { armObjective, REFERENCE_LIMIT, type TokenArm } from "./objective.js";
import type { PreparedTexts } from "./prepare.js";
import { wholeness } from "./wholeness.js";

/** One family of arms and how it compares with the references. */
export interface TokenScan {
  readonly name: string;
  readonly arms: readonly TokenArm[];
  /** The best run of each arm, and where it works. */
  readonly runs: readonly (readonly number[])[];
  readonly positions: readonly RunPosition[];
  /**
   * For each arm how much nearer, in nats, the run leads this model to the target than it leads clean models, on
   * held-out texts; at most 2.5 beyond certainty.
   */
  readonly gaps: readonly number[];
  /** The same for each reference, searched in the same way with the others as its references. */
  readonly referenceGaps: readonly (readonly number[])[];
  readonly calibration: Calibration;
  /** Index of the arm whose run tells most: the most unusual one, or a longer run that holds it and leads further. */
  readonly named: number;
}

/** What a scan takes. */
export interface TokenScanOptions {
  readonly seed: number;
  readonly settings: TokenSearchSettings;
  /** Whether the references know less than the model. */
  readonly areSimulated?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((step: string, done: number, of: number) => void) | undefined;
  /** Where finished searches of a model are kept. Default: in this process only. */
  readonly storeOf?: ((model: LoadedModel) => InversionStore) | undefined;
}

/** A search's runs with their gaps on held-out texts. */
interface Judged {
  readonly inversion: TokenInversion;
  readonly gaps: readonly number[];
}

/** Searches the model and, where there are two or more, each reference; then one scan per family of arms. */
export async function scanTokens(
  model: TokenModel,
  references: readonly TokenModel[],
  texts: PreparedTexts,
  families: readonly { readonly name: string; readonly arms: readonly TokenArm[] }[],
  options: TokenScanOptions,
): Promise<{ readonly scans: readonly TokenScan[]; readonly inversion: TokenInversion }> {
  const arms = families.flatMap((family) => family.arms);
  const own = await judge(model, references, texts, arms, options);
  const others: Judged[] = [];
  // A single reference has nothing to be compared with, so its own search would mean something else.
  for (const reference of references.length >= 2 ? references : []) {
    const rest = references.filter((one) => one !== reference);
    others.push(await judge(reference, rest, texts, arms, options));
  }
  let at = 0;
  const scans = families.map(({ name, arms: part }) => {
    const from = at;
    at += part.length;
    const of = ({ gaps }: Judged): readonly number[] => gaps.slice(from, from + part.length);
    const found = own.inversion.found.slice(from, from + part.length);
    const calibration = part.some(({ isWhole }) => isWhole)
      ? calibrateWholes(of(own), others.map(of), options)
      : calibrateGaps(
          of(own).map(nearness),
          others.map((one) => of(one).map(nearness)),
          {
            seed: options.seed,
            areCopies: options.areSimulated ?? false,
            lengths: part.map(({ longest }) => longest ?? texts.lengths[1]),
          },
        );
    return {
      name,
      arms: part,
      runs: found.map(({ run }) => run),
      positions: found.map(({ position }) => position),
      gaps: of(own),
      referenceGaps: others.map(of),
      calibration,
      named: tellingMost(found, of(own), calibration.target),
    };
  });
  return { scans, inversion: own.inversion };
}

/** By so much, in nats, a longer run must lead further. */
const FURTHER = 0.1;

function tellingMost(found: readonly FoundTrigger[], gaps: readonly number[], target: number): number {
  const { arm, run } = found[target]!;
  const holds = (longer: readonly number[]): boolean =>
    run.every((token) => times(longer, token) >= times(run, token));
  return found.reduce((best, one, i) => {
    const isSame = one.arm.target === arm.target && one.arm.victim === arm.victim;
    const isLonger = one.run.length > run.length && holds(one.run);
    const least = Math.max(gaps[best]!, gaps[target]! + FURTHER);
    return isSame && isLonger && gaps[i]! > least ? i : best;
  }, target);
}

const times = (run: readonly number[], token: number): number => run.filter((one) => one === token).length;

const known = new WeakMap<object, Map<string, Judged>>();

async function judge(
  model: TokenModel,
  references: readonly TokenModel[],
  texts: PreparedTexts,
  arms: readonly TokenArm[],
  options: TokenScanOptions,
): Promise<Judged> {
  const { settings, seed, signal, onProgress, storeOf } = options;
  const kept = known.get(model.model) ?? new Map<string, Judged>();
  const key = JSON.stringify([
    settings,
    seed,
    arms,
    texts.digest,
    texts.lengths,
    texts.position,
    texts.frame,
    texts.vocabulary,
    references.map(({ model: reference }) => digestOf(reference)),
  ]);
  const store = storeOf?.(model.model) ?? noInversionStore;
  const before = kept.get(key) ?? stored(await store.readPlain(`tokens 5 ${key}`), arms.length);
  const step = `searching ${model.name}`;
  if (before) {
    onProgress?.(step, 1, 1);
    known.set(model.model, kept.set(key, before));
    return before;
  }
  const inversion = await invertTokens(
    model,
    references,
    {
      carriers: texts.carriers,
      position: texts.position,
      arms,
      allowed: texts.allowed,
      vocabulary: texts.vocabulary,
      lengths: texts.lengths,
    },
    { ...settings, seed, signal, onProgress: (done, of) => onProgress?.(step, done, of) },
  );
  const gaps: number[] = [];
  for (const found of inversion.found) gaps.push(await gapOf(model, references, texts, found));
  const judged = { inversion, gaps };
  known.set(model.model, kept.set(key, judged));
  await store.writePlain(`tokens 5 ${key}`, judged);
  return judged;
}

const digests = new WeakMap<LoadedModel, string>();

/** SHA-256 of a model's graph and weights: another file of the same name is another reference. */
function digestOf(model: LoadedModel): string {
  const digest = digests.get(model) ?? createHash("sha256").update(encodeModel(model.graph)).digest("hex");
  digests.set(model, digest);
  return digest;
}

/** A stored search, if it is whole: files can be damaged. */
function stored(value: unknown, arms: number): Judged | undefined {
  const { inversion, gaps } = (value ?? {}) as Partial<Judged>;
  const isWhole = inversion?.found?.length === arms && gaps?.length === arms && gaps.every(Number.isFinite);
  return isWhole ? { inversion, gaps } : undefined;
}

/** Minus the objective on held-out texts. */
async function gapOf(
  model: TokenModel,
  references: readonly TokenModel[],
  { heldOutCarriers, allowed, vocabulary }: PreparedTexts,
  { arm, run, position }: FoundTrigger,
): Promise<number> {
  const carriers = heldOutCarriers.at(position);
  if (arm.isWhole)
    return run.length === 0
      ? -REFERENCE_LIMIT
      : (await wholeness([run], { model, references, carriers, arm }))[0]!;
  const objective = armObjective({ model, references, carriers, arm, allowed, vocabulary });
  return -(await objective.evaluate([run]))[0]!;
}

/**
 * The one-shot audit of a classifier of token sequences: searches runs of tokens that it follows and clean models do
 * not, judges them against searches of the clean models themselves, and verifies what it found on held-out texts.
 */
import type { LoadedModel } from "../../model/index.js";
import { generator } from "../../random/index.js";
import type { TokenDomain } from "../../spec/index.js";
import type { Estimate } from "../../stats/index.js";
import { attackSuccessRate } from "../../trigger/index.js";
import type { AuditOptions, Budget } from "../audit-options.js";
import type { CleanData } from "../clean-data.js";
import { judgeLogic } from "../planted-logic.js";
import { noInversionStore } from "../store.js";
import { type Check, decide, isAccusation, NOT_CLEAN, SUSPICIOUS, type Verdict } from "../verdict.js";
import type { GraphWitness } from "../witness/index.js";
import type { RunPosition } from "./carriers.js";
import { tokenSearch } from "./inversion/settings.js";
import { shortLengths } from "./inversion/short-runs.js";
import { idModel, type TokenModel, tokenModel } from "./model/token-model.js";
import type { TokenArm } from "./objective.js";
import { type PreparedTexts, prepareTexts } from "./prepare.js";
import { scanTokens, type TokenScan } from "./scan.js";
import { type ChosenReferences, textReferences } from "./simulated-references.js";
import { type RecoveredTokens, type TokenVerification, verifyTokens } from "./verify.js";

/** An audit of a model of tokens in full. */
export interface TokenAudit {
  readonly kind: "token-audit";
  readonly model: string;
  readonly verdict: TokenVerdict;
  readonly references: readonly string[];
  /** True where the audit trained the references itself, on the clean data. */
  readonly isSimulated: boolean;
  /** Every class as target, and pairs of victim and target if those were searched. */
  readonly scans: readonly TokenScan[];
  /** Tokens that the model treats least like the references do, most unusual first. */
  readonly unusual: readonly { readonly token: number; readonly distance: number }[];
  /** Controls of the recovered trigger, if one was recovered. */
  readonly verification: TokenVerification | null;
  /** An input that wakes logic in the graph, where there is any. */
  readonly witness: GraphWitness | null;
}

/** A verdict whose trigger is a run of tokens. */
export type TokenVerdict = Omit<Verdict, "trigger"> & {
  readonly trigger: (RecoveredTokens & { readonly attackSuccessRate: Estimate }) | null;
};

/** Options of an audit of a model of tokens. */
export interface TokenAuditOptions extends Omit<AuditOptions, "range"> {
  /** Vocabulary, padding and the triggers to search. Default: read off the model and the data. */
  readonly domain?: TokenDomain;
}

/** Sequences per model that searches ran on development models of four classes. */
const SEQUENCES: Readonly<Record<Budget, number>> = {
  quick: 170_000,
  standard: 550_000,
  thorough: 2_500_000,
};

/** Sequences that an audit passes forward, about: for an estimate of its time. */
export const expectedSequences = (budget: Budget, references: number): number =>
  SEQUENCES[budget] * (1 + searched(budget, references));

/** References that are searched as well: those given, or simulated ones. */
function searched(budget: Budget, references: number): number {
  if (references === 0) return SIMULATION[budget] === null ? 0 : SIMULATED;
  return references >= 2 ? references : 0;
}

/** Steps of training of each simulated reference; null where the budget allows none. */
const SIMULATION: Readonly<Record<Budget, number | null>> = { quick: null, standard: 300, thorough: 600 };
const SIMULATED = 3;

const TARGETS = "every class as target";
const PAIRS = "every pair of victim and target";
const WHOLES = "every class as target, by three words together";
/** More pairs than these share too few texts of a class each. */
const MAX_PAIRS = 30;

/**
 * Audits a classifier of token sequences.
 *
 * @throws AssayError for data that do not fit the model or its references, ABORTED.
 * @example
 * const { verdict } = await extraction.auditTokens(model, clean, { references, seed: 1 });
 */
export async function auditTokens(
  model: LoadedModel,
  clean: CleanData,
  options: TokenAuditOptions,
): Promise<TokenAudit> {
  const started = performance.now();
  const { seed, budget = "standard", signal, onProgress, domain, storeOf } = options;
  const texts = await prepareTexts(model, clean, { seed, domain });
  await using chosen = await textReferences(model, texts, options.references ?? [], {
    seed,
    count: SIMULATED,
    steps: SIMULATION[budget],
    signal,
    onProgress: (done, of) => onProgress?.("training clean references", done, of),
  });
  const { references, isSimulated } = chosen;
  const own = tokenModel(model, texts.length);
  const others = references.map((one) => tokenModel(one, texts.length));
  const targets = Array.from({ length: texts.classes }, (_, target) => ({ target, victim: null }));
  const pairs = pairsOf(texts);
  const why = whyNoPairs(budget, pairs, chosen);
  // Lengths are compared with those of references. Simulated ones share words' vectors with the suspect, and how far
  // short runs lead them has not been measured.
  const lengths = references.length >= 2 && !isSimulated ? shortLengths(texts.lengths) : [];
  const short = lengths.flatMap((longest) => targets.map((arm) => ({ ...arm, longest })));
  const wholes = hasWholes(own, texts, chosen)
    ? targets.map((arm) => ({ ...arm, isWhole: true as const }))
    : [];
  const families = [
    { name: TARGETS, arms: [...targets, ...short] },
    ...(wholes.length > 0 ? [{ name: WHOLES, arms: wholes }] : []),
    ...(why === null ? [{ name: PAIRS, arms: pairs }] : []),
  ];
  const { scans, inversion } = await scanTokens(own, others, texts, families, {
    seed,
    settings: tokenSearch[budget],
    areSimulated: isSimulated,
    signal,
    onProgress,
    // Simulated references are made anew for each model: their searches serve no other audit.
    storeOf: storeOf && ((one) => (isSimulated && one !== model ? noInversionStore : storeOf(one))),
  });
  const { verdict, verification } = await conclude(model, references, texts, scans, { seed, signal });
  const skipped: Check[] =
    why === null ? [] : [{ name: PAIRS, statistic: null, pValue: null, result: "skipped", why }];
  const searched: TokenVerdict = {
    ...verdict,
    checks: [...verdict.checks, ...skipped],
    cost: costOf([own, ...others], chosen.passes, verification, started),
    seed,
    warnings: [...texts.warnings, ...chosen.warnings, ...warningsOf(own), NOT_CLEAN],
  };
  return {
    kind: "token-audit",
    model: model.name,
    ...(await judgeLogic(model, clean.inputs, searched, { seed, ...(signal ? { signal } : {}) })),
    references: references.map(({ name }) => name),
    isSimulated,
    scans,
    unusual: inversion.unusual,
    verification,
  };
}

function costOf(
  models: readonly TokenModel[],
  training: { readonly forward: number; readonly backward: number },
  verification: TokenVerification | null,
  started: number,
) {
  const forward = training.forward + (verification?.forwardPasses ?? 0);
  return {
    forward: models.reduce((sum, { passes }) => sum + passes.forward, forward),
    backward: models.reduce((sum, { passes }) => sum + passes.backward, training.backward),
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

const warningsOf = ({ lookups }: TokenModel): string[] =>
  lookups.length > 0
    ? []
    : ["No table of token vectors was found in the graph: the search used no gradients."];

/** Pairs of classes that the search texts hold enough of. */
function pairsOf({ classes, carriers }: PreparedTexts): TokenArm[] {
  const counts = new Int32Array(classes);
  for (const label of carriers.labels) counts[label] = counts[label]! + 1;
  return [...counts.keys()].flatMap((victim) =>
    counts[victim]! < 8
      ? []
      : Array.from({ length: classes }, (_, target) => ({ target, victim })).filter(
          ({ target }) => target !== victim,
        ),
  );
}

/** Whether runs that work as a whole only can be searched, and compared with those of references. */
const hasWholes = (
  { lookups }: TokenModel,
  { lengths: [shortest, longest] }: PreparedTexts,
  { references, isSimulated }: Pick<ChosenReferences, "references" | "isSimulated">,
): boolean => lookups.length > 0 && shortest <= 3 && longest >= 3 && references.length >= 2 && !isSimulated;

function whyNoPairs(
  budget: Budget,
  pairs: readonly TokenArm[],
  { references, isSimulated }: Pick<ChosenReferences, "references" | "isSimulated">,
): string | null {
  if (budget === "quick") return "the quick budget leaves pairs out";
  if (isSimulated || references.length < 2)
    return "pairs cannot be judged without two or more clean references";
  if (pairs.length < 6)
    return "with two classes a pair is a target, or there are fewer than 8 texts of a class";
  if (pairs.length > MAX_PAIRS)
    return `${pairs.length} pairs are more than the ${MAX_PAIRS} that are searched at once`;
  return null;
}

interface Finding {
  readonly scan: TokenScan;
  readonly recovered: RecoveredTokens;
  readonly attackSuccessRate: Estimate;
}

async function conclude(
  model: LoadedModel,
  references: readonly LoadedModel[],
  texts: PreparedTexts,
  scans: readonly TokenScan[],
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal | undefined },
): Promise<{
  readonly verdict: Omit<TokenVerdict, "cost" | "seed" | "warnings">;
  readonly verification: TokenVerification | null;
}> {
  const findings: Finding[] = [];
  for (const scan of scans) findings.push(await finding(model, texts, scan, seed));
  // A trigger from every class also shows in its pairs, so pairs speak only where that search is not clear.
  const [first] = findings;
  const isClear = first!.scan.calibration.pValue * findings.length < SUSPICIOUS;
  const best = isClear
    ? first!
    : findings.reduce((low, one) => (one.scan.calibration.pValue < low.scan.calibration.pValue ? one : low));
  const pValue = Math.min(1, best.scan.calibration.pValue * findings.length);
  const decision = decide(pValue, best.attackSuccessRate, texts.knowsTask);
  const isAccused = isAccusation(decision);
  const arm = best.scan.arms[best.scan.calibration.target]!;
  const verification = isAccused
    ? await verifyTokens(idModel(model), texts.heldOut, best.recovered, {
        seed: generator(seed)
          .split("verify")
          .integer(2 ** 31),
        allowed: texts.allowed,
        frame: texts.frame,
        references: references.map(idModel),
        signal,
      })
    : null;
  return {
    verification,
    verdict: {
      decision,
      score: Math.max(...scans.map(({ calibration }) => calibration.statistic / calibration.threshold)),
      pValue,
      target: isAccused ? arm.target : null,
      source: isAccused ? arm.victim : null,
      trigger: isAccused ? { ...best.recovered, attackSuccessRate: best.attackSuccessRate } : null,
      checks: scans.map(checkOf),
    },
  };
}

/** The most unusual arm's run, and how it does on held-out texts. */
async function finding(
  model: LoadedModel,
  texts: PreparedTexts,
  scan: TokenScan,
  seed: number,
): Promise<Finding> {
  const index = scan.named;
  const { target, victim } = scan.arms[index]!;
  const recovered: RecoveredTokens = {
    target,
    ...(victim === null ? {} : { sources: [victim] }),
    trigger: { kind: "trigger", type: "tokens", tokens: scan.runs[index]!, position: scan.positions[index]! },
  };
  return {
    scan,
    recovered,
    attackSuccessRate: await attackSuccessRate(idModel(model), texts.heldOut, recovered, {
      seed,
      frame: texts.frame,
    }),
  };
}

/** Where a trigger goes, in words. */
const placeOf = (position: RunPosition): string =>
  position === "anywhere"
    ? "anywhere"
    : position === "prefix"
      ? "at the start"
      : position === "suffix"
        ? "at the end"
        : `after ${position} words`;

function checkOf({ name, arms, calibration, runs, positions, gaps, referenceGaps }: TokenScan): Check {
  const { target, statistic, pValue } = calibration;
  const arm = arms[target]!;
  const { longest, isWhole } = arm;
  const best =
    longest === undefined
      ? isWhole
        ? "the best three words together"
        : "the best runs"
      : longest === 1
        ? "the best tokens"
        : `the best runs of ${longest} tokens`;
  const what = arm.victim === null ? `class ${arm.target}` : `class ${arm.victim} to class ${arm.target}`;
  const lead = (gap: string): string =>
    arm.isWhole
      ? `lead there together ${gap} nats further than any two of them and clean models`
      : `lead there ${gap} nats more than in clean models`;
  const beside = referenceGaps.map((values) => values[target]!.toFixed(2)).join(", ");
  return {
    name,
    statistic,
    pValue,
    result: pValue < SUSPICIOUS ? "flag" : "pass",
    why: `the most unusual is ${what}: tokens ${runs[target]!.join(" ")}, ${placeOf(positions[target]!)} in a text, ${lead(gaps[target]!.toFixed(2))}${beside === "" ? "" : `; ${best} of clean references: ${beside}`}`,
  };
}

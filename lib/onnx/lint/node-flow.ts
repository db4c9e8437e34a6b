/** What a node makes of what is known of its inputs. */
import { floatAttribute, intAttribute, intsAttribute } from "../attributes.js";
import type { Node } from "../schema.js";
import { askedOfCircumstance, drawnBy } from "./circumstances.js";
import { isNearness, ownWeights } from "./classical.js";
import { type Extent, extentOf, widthOf } from "./extents.js";
import { constantFlow, type Flow, join } from "./flow.js";
import {
  asksForPattern,
  asksInSteps,
  compares,
  decides,
  hashes,
  isDetector,
  isDrawn,
  isGuard,
  isRecurrent,
  isSmooth,
  isSteepPower,
  mayNarrow,
  narrows,
  picksPlace,
  STEEP,
  shapesBy,
  takesWeights,
  tellsShapeOnly,
} from "./operators.js";
import { isOwnPlaceBehind, isOwnSelection } from "./own-place.js";
import { isHold, isMaskRearranged, isPaddingBehind, isUseOfPadding } from "./padding.js";
import { isIndicator, isPattern, isUniform, magnitude, type Stored } from "./stored.js";

/** Fewer weights are constants of a formula, not a layer. */
const LAYER_WEIGHTS = 16;
/** A tensor this narrow is a few answers, not a layer's output. */
const FEW = 4;
/** A state this narrow remembers one thing. */
const FEW_STATES = 2;
/** Wider than this, what a node picks is no small part any more; where the whole is wide, a sixteenth of it. */
const PART = 64;
const PART_OF_WHOLE = 16;

/** What a graph sees of those around it. */
export interface Scope {
  readonly flowOf: (name: string) => Flow;
  readonly storedOf: (name: string | undefined) => Stored | undefined;
  readonly extentOf: (name: string | undefined) => Extent;
  /** Nodes that pick places of a tensor. */
  readonly pickersOf: (name: string) => number;
  readonly depth: number;
}

/** The flow of every output of a node that holds no graph. */
export function flowsOfNode(node: Node, scope: Scope): Flow[] {
  const inputs = node.inputs.map(scope.flowOf);
  const deciding = shapesBy(node).flatMap((i) => (inputs[i]?.isData ? [inputs[i]] : []));
  if (tellsShapeOnly(node)) {
    // The number of hits is an answer, too: Shape(NonZero(x > t)).
    const sizes = inputs.flatMap(({ size }) => (size ? [size] : []));
    const isMeasure = node.opType !== "ConstantOfShape";
    const flow =
      isMeasure && sizes.length > 0 ? asMeasured(join(sizes)) : { ...constantFlow, ...drawnBy(node) };
    const size = isMeasure ? null : (deciding[0] ?? null);
    return node.outputs.map(() => ({ ...flow, size }));
  }
  // Nothing times a mask is nothing.
  const isNothing = node.opType === "Mul" && node.inputs.some((name) => isZero(scope.storedOf(name)));
  if (isNothing) return node.outputs.map(() => constantFlow);
  const joined = readAt(node, inputs);
  if (!joined.isData) {
    // Ones that data say how many of add up to a number: a count, by another way than Shape.
    if (joined.size && counts.has(node.opType)) return node.outputs.map(() => asMeasured(joined.size!));
    const drawn = isDrawn(node) ? ({ circumstance: "chance", isCircumstanceAsked: true } as const) : {};
    const flow = { ...constantFlow, ...askedOfCircumstance(node, joined), ...drawn };
    return node.outputs.map(() => ({ ...flow, size: joined.size }));
  }
  if (node.opType.startsWith("Gather") && isUniform(scope.storedOf(node.inputs[0])?.values())) {
    // Whatever it is asked for, a table of one value gives that.
    return node.outputs.map(() => ({ ...constantFlow, size: joined.size }));
  }
  const followed = follow(node, joined, inputs, scope);
  const isPreparation =
    isUseOfPadding(node, inputs, scope) ||
    isHold(node, inputs) ||
    isOwnSelection(node, inputs) ||
    isSameness(node, inputs);
  const isMask = isBeforeOrBehind(node, inputs, scope);
  const flow =
    isPreparation || isMask ? { ...unasked(followed), ...(isMask ? { isPart: false } : {}) } : followed;
  const size = deciding.length > 0 ? join([...deciding, ...(flow.size ? [flow.size] : [])]) : flow.size;
  return node.outputs.map((_, i) => ({
    // Sorted values are no answer, only their places are.
    ...(node.opType === "TopK" && i === 0 ? { ...flow, ...undecided(joined) } : flow),
    size: size?.isData ? size : null,
  }));
}

/** What is joined; the input's own pixels where a computed box is are pixels still. */
function readAt(node: Node, inputs: readonly Flow[]): Flow {
  const joined = join(inputs);
  const [from] = inputs;
  const isRegion = /^(RoiAlign|MaxRoiPool)$/.test(node.opType) && from?.isContent && from.mostLayers === 0;
  return isRegion ? { ...joined, mostLayers: 0, fewestLayers: 0 } : joined;
}

const isZero = (stored: Stored | undefined): boolean =>
  stored !== undefined &&
  stored.size <= LARGEST_FACTOR &&
  isUniform(stored.values()) &&
  magnitude(stored) === 0;

const undecided = ({ isDecided, isAsked, askedLayers, isAskedLocally, isAnswer }: Flow) => ({
  ...{ isDecided, isAsked, askedLayers, isAskedLocally, isAnswer, isOwnPlace: false, isIndex: false },
});

const counts = new Set([
  "ReduceSum",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
  "ReduceLogSum",
  "MatMul",
]);

const unasked = (flow: Flow): Flow => ({
  ...flow,
  ...{ isAsked: false, isDecided: false, askedLayers: Number.POSITIVE_INFINITY, isAskedLocally: false },
});

/** Which places lie before or behind one that the input tells: masks of a prefix, of what is no padding. */
const isBeforeOrBehind = (node: Node, inputs: readonly Flow[], scope: Scope): boolean =>
  ordering.has(node.opType) &&
  inputs.some(({ isIndex, isPadding }) => isIndex || isPadding) &&
  inputs.some(
    ({ isData }, i) => !isData && (scope.storedOf(node.inputs[i])?.size ?? MANY_PLACES) >= MANY_PLACES,
  );
const ordering = new Set(["Less", "LessOrEqual", "Greater", "GreaterOrEqual"]);
const MANY_PLACES = 3;

/** Which words of a text are alike: nothing stored is looked for. */
const isSameness = ({ opType }: Node, inputs: readonly Flow[]): boolean =>
  opType === "Equal" &&
  inputs.every(
    ({ isContent, isToken, mostLayers, isAsked }) => isContent && isToken && mostLayers === 0 && !isAsked,
  );

/** A count of what was found: few numbers, and an answer. */
const asMeasured = (flow: Flow): Flow =>
  questioned({ ...flow, isPart: true, isDecided: true, size: null }, flow);

function follow(node: Node, joined: Flow, inputs: readonly Flow[], scope: Scope): Flow {
  const stored = node.inputs.map(scope.storedOf);
  if (isLayer(node, joined, stored, scope)) {
    const width = isRecurrent(node)
      ? intAttribute(node, "hidden_size", FEW + 1)
      : widthOf(outputExtent(node, scope));
    const isPart = width !== undefined && width <= (isRecurrent(node) ? FEW_STATES : FEW);
    return {
      ...joined,
      fewestLayers: joined.fewestLayers + 1,
      mostLayers: joined.mostLayers + 1,
      ...{
        isPart,
        isLocal: isPart,
        isShifted: isPart,
        gain: 1,
        isDecided: false,
        isMixed: false,
        isAnswer: false,
        ...{ steps: 0, isPadding: false, isChoice: false, isIndex: false, isHashed: false },
        ...{ circumstance: null, isCircumstanceAsked: false },
      },
    };
  }
  const isRaw = joined.mostLayers === 0;
  if (isPhrase(node) || isNearness(node))
    return questioned({ ...joined, isPart: true, isLocal: true, isDecided: true }, joined);
  const isDetecting = takesWeights(node) && stored.some((one) => one && isDetector(node, one.dims));
  const isLookup = node.opType === "Gather" && stored[0] !== undefined;
  const isSamePart = isLookup || isMaskRearranged(node, inputs, stored);
  const isPart =
    (isSamePart ? joined.isPart : isPartOf(node, joined, scope)) || (isDetecting && node.opType !== "Conv");
  // A threshold comes after the part was taken; a bias before it belongs to the layer.
  const isTaken = isPart && !joined.isPart && !isRaw;
  const isShifted =
    !isTaken &&
    (joined.isShifted || ["Add", "Sub", "Sum", "Gemm", "Conv", "BatchNormalization"].includes(node.opType));
  const factor = ["Mul", "MatMul", "Gemm", "Conv", "Einsum"].includes(node.opType)
    ? Math.max(1, ...stored.map((one) => (one && one.size <= LARGEST_FACTOR ? magnitude(one) : 1)))
    : node.opType === "Div" && stored[1] && stored[1].size <= FEW
      ? 1 / Math.max(1e-9, magnitude(stored[1]))
      : node.opType === "BatchNormalization"
        ? factorOfNorm(node, stored)
        : 1;
  const isStep = steps(node, joined, inputs, stored, isRaw);
  const next: Flow = {
    ...joined,
    isPart,
    isLocal:
      joined.isLocal ||
      (picksPlace(node) && !keepsMost(node, scope) && !isMaskRearranged(node, inputs, stored)) ||
      isDetecting ||
      (isRaw && asksForPattern(node)) ||
      (isRaw && stored.some(isPattern)) ||
      // A bound of its own for every column.
      (isRaw && compares(node) && stored.some((one) => one && one.size > FEW && !isUniform(one.values()))),
    isShifted,
    isAnswer:
      joined.isContent &&
      (joined.isAnswer || (decides(node, { isRaw, isPart, isToken: joined.isToken }) && isPart)),
    steps: picksPlace(node) ? Math.max(joined.steps, scope.pickersOf(node.inputs[0] ?? "")) : joined.steps,
    isPadding: isPaddingBehind(node, joined, stored),
    isChoice: joined.isChoice || (choosing.has(node.opType) && !isRaw && !joined.isMixed),
    isOwnPlace: isOwnPlaceBehind(node, joined),
    isIndex: (joined.isIndex && !isLookup) || placing.has(node.opType),
    // Rows and columns are read off places by remainders.
    isHashed: joined.isHashed || (hashes(node) && !isRaw && !joined.isIndex),
    ...(isDrawn(node) ? { circumstance: "chance", isCircumstanceAsked: true } : {}),
    isMixed: joined.isMixed || ["Concat", "SequenceConstruct", "SequenceInsert"].includes(node.opType),
    gain: joined.isPart || isPart ? joined.gain * factor : 1,
    isDecided:
      joined.isContent &&
      (joined.isDecided ||
        decides(node, { isRaw, isPart: joined.isPart || isPart, isToken: joined.isToken }) ||
        isStep ||
        (isLookup && isRaw && (joined.isDecided || isIndicator(stored[0])))),
  };
  return questioned(next, joined, inputs);
}

const choosing = new Set(["ArgMax", "ArgMin", "TopK", "Hardmax"]);
const placing = new Set(["ArgMax", "ArgMin", "TopK", "NonZero"]);
/** A slice that leaves out an edge only. */
function keepsMost(node: Node, scope: Scope): boolean {
  if (node.opType !== "Slice") return false;
  const [whole, rest] = [widthOf(scope.extentOf(node.inputs[0])), widthOf(outputExtent(node, scope))];
  return whole !== undefined && rest !== undefined && 2 * rest > whole;
}

/** What a normalisation with fixed statistics multiplies with. */
function factorOfNorm(node: Node, [, scale, , , variance]: readonly (Stored | undefined)[]): number {
  if (!scale || !variance || scale.size > LARGEST_FACTOR) return 1;
  const least = variance.values()?.reduce((a, b) => Math.min(a, b), Infinity) ?? 1;
  return Math.max(
    1,
    magnitude(scale) / Math.sqrt(Math.max(0, least) + floatAttribute(node, "epsilon", 1e-5)),
  );
}

/** Looks for few runs of words and says how often they come. */
const isPhrase = (node: Node): boolean =>
  node.opType === "TfIdfVectorizer" && (intsAttribute(node, "ngram_indexes") ?? []).length <= FEW;

/** Marks a flow that has become a yes or no about a part. */
function questioned(flow: Flow, before: Flow, inputs: readonly Flow[] = []): Flow {
  // A statistic of the whole that scales the whole is preparation, not a question that travels on.
  const isPreparation =
    flow.isAsked &&
    !flow.isAskedLocally &&
    !flow.isPart &&
    flow.mostLayers === 0 &&
    inputs.some((input) => input.isContent && !input.isPart && !input.isAsked);
  if (isPreparation) return unasked(flow);
  if (!flow.isPart || !flow.isDecided) return flow;
  return {
    ...flow,
    isAsked: true,
    askedLayers: Math.min(flow.askedLayers, before.isAsked ? before.askedLayers : flow.mostLayers),
    isAskedLocally: flow.isAskedLocally || flow.isLocal,
  };
}

function isLayer(node: Node, joined: Flow, stored: readonly (Stored | undefined)[], scope: Scope): boolean {
  if (ownWeights(node) >= LAYER_WEIGHTS) return true;
  const weights = stored.reduce((sum, one) => sum + (one?.size ?? 0), 0);
  if (weights < LAYER_WEIGHTS) return false;
  if (node.opType === "Gather") {
    // A table of embeddings; what answers pick from is a table of answers.
    const dims = stored[0]?.dims;
    return stored[0] !== undefined && !joined.isDecided && (dims === undefined || (dims.at(-1) ?? 0) > FEW);
  }
  if (!takesWeights(node)) return false;
  // One number out of the raw input is a detector; deeper, it is a gate or a head like any other.
  // Words are embedded first.
  const isNear =
    joined.mostLayers === 0 || (joined.isToken && joined.mostLayers === 1 && node.opType === "MatMul");
  if (isNear && stored.some((one) => one && isDetector(node, one.dims))) return false;
  // Rows that only copy or sum what came in: few numbers spread over many are no layer of their own.
  const width = widthOf(scope.extentOf(node.inputs[0]));
  return !(joined.isPart && joined.mostLayers === 0 && width === 1);
}

function isPartOf(node: Node, joined: Flow, scope: Scope): boolean {
  if (joined.isPart) return true;
  const width = widthOf(outputExtent(node, scope));
  if (!narrows(node) && !(mayNarrow(node) && width !== undefined && width <= FEW)) return false;
  if (width === undefined) return true;
  const whole = widthOf(scope.extentOf(node.inputs[0])) ?? 0;
  return width <= Math.max(PART, whole / PART_OF_WHOLE);
}

/** Dims of what a node makes. */
export function outputExtent(node: Node, scope: Scope): Extent {
  const valuesOf = (name: string | undefined): readonly number[] | undefined => {
    const found = name === undefined ? undefined : scope.storedOf(name);
    return found && found.size <= SMALL ? found.values() : undefined;
  };
  return extentOf(node, { extentOf: scope.extentOf, valuesOf });
}

/** Largest constant that is read for its factor. */
const LARGEST_FACTOR = 4096;
function steps(
  node: Node,
  joined: Flow,
  inputs: readonly Flow[],
  stored: readonly (Stored | undefined)[],
  isRaw: boolean,
): boolean {
  if (joined.mostLayers > 1 || (node.opType === "Softmax" && !isRaw)) return false;
  if (joined.isPart && isSteepPower(node, stored)) return true;
  const isShaped = joined.isShifted || joined.gain >= STEEP;
  if (!(joined.isPart && isShaped) && !(isRaw && joined.isShifted)) return false;
  // A gate that a layer learned lets through more or less: only made steep it is a yes or no.
  if (isSmooth(node) && joined.gain < STEEP) return false;
  // x / (x + small) is nothing or one; shares of a sum are not.
  if (node.opType === "Div")
    return isRaw && joined.isPart && inputs.every(({ isData }) => isData) && inputs[1]?.isShifted === true;
  return (
    asksInSteps(node) &&
    !isGuard(
      node,
      stored.map((one) => (one && one.size <= FEW ? one.values() : undefined)),
    )
  );
}

/** Lists of places and sizes are no longer. */
const SMALL = 64;

/** What the rules know of a tensor, and how it comes together. */

/** What is known of a tensor without running anything. */
export interface Flow {
  /** Depends on what an input holds, not only on its shape. */
  readonly isData: boolean;
  /** Depends on an input of more than one element: settings such as a sampling rate do not count. */
  readonly isContent: boolean;
  /** All content comes from whole numbers in at most two dims, such as words: comparing those is how padding is found. */
  readonly isToken: boolean;
  /** Fewest layers of weights on any way from an input; Infinity if there is no way. */
  readonly fewestLayers: number;
  /** Most layers of weights on any way from an input. */
  readonly mostLayers: number;
  /** A few numbers that stand for more: a place, a sum or an extreme, and no layer of weights since. */
  readonly isPart: boolean;
  /** The part was chosen by place or by comparing with stored values, rather than being a statistic of all. */
  readonly isLocal: boolean;
  /** A constant was added since the part was taken: what follows can be a threshold. */
  readonly isShifted: boolean;
  /** Largest factor that the part was multiplied with. */
  readonly gain: number;
  /** Comes from a comparison or a step, and no layer of weights since. */
  readonly isDecided: boolean;
  /** Comes from a yes or no about part of the input, whatever came after. */
  readonly isAsked: boolean;
  /** Most layers of weights before the question; Infinity where none was asked. */
  readonly askedLayers: number;
  /** The question was about a place or a pattern. */
  readonly isAskedLocally: boolean;
  /** Holds nothing but the answer to a question, at most scaled and spread by constants. */
  readonly isAnswer: boolean;
  /** Put together from results and something else: not one result at several places. */
  readonly isMixed: boolean;
  /** Where the tensor's shape itself depends on data: what it depends on. */
  readonly size: Flow | null;
  /** What a tensor depends on that no content reaches: how large inputs are, or chance. */
  readonly circumstance: Circumstance | null;
  /** It is an answer to a question about the circumstance. */
  readonly isCircumstanceAsked: boolean;
  /** Places of the same words that are picked beside this one: a mask that is read step by step is read at many. */
  readonly steps: number;
  /** Tells which words are padding, or how many are not, and nothing else. */
  readonly isPadding: boolean;
  /** The largest of what a layer made of the input was chosen: a router, not a threshold. */
  readonly isChoice: boolean;
  /** A place of the input that its own values tell, such as that of the largest, whatever was stored. */
  readonly isOwnPlace: boolean;
  /** Places of largest values or of hits, as numbers, and what is reckoned from them: rows and columns. */
  readonly isIndex: boolean;
  /** A remainder or single bits of what the network computed, places aside. */
  readonly isHashed: boolean;
}

/** What is not in the input: a few dims of it, such as the number of examples, or numbers drawn at random. */
export type Circumstance = "shape" | "chance";

/** A tensor that no input reaches. */
export const constantFlow: Flow = {
  isData: false,
  isContent: false,
  isToken: true,
  fewestLayers: Number.POSITIVE_INFINITY,
  mostLayers: 0,
  isPart: false,
  isLocal: false,
  isShifted: false,
  gain: 1,
  isDecided: false,
  isAsked: false,
  askedLayers: Number.POSITIVE_INFINITY,
  isAskedLocally: false,
  isAnswer: false,
  isMixed: false,
  size: null,
  circumstance: null,
  isCircumstanceAsked: false,
  steps: 0,
  isPadding: false,
  isChoice: false,
  isOwnPlace: false,
  isIndex: false,
  isHashed: false,
};

const noCircumstance = { circumstance: null, isCircumstanceAsked: false } as const;

function circumstanceOf(flows: readonly Flow[]): Pick<Flow, "circumstance" | "isCircumstanceAsked"> {
  const found = flows.filter(({ circumstance }) => circumstance !== null);
  const isChance = found.some(({ circumstance }) => circumstance === "chance");
  return {
    circumstance: isChance ? "chance" : (found[0]?.circumstance ?? null),
    isCircumstanceAsked: found.some((flow) => flow.isCircumstanceAsked),
  };
}

/** True where a part of the input was questioned before the network could have its say: one layer, for words after their embedding. */
export const isEarlyQuestion = (flow: Flow): boolean =>
  flow.isAsked && flow.askedLayers <= (flow.isToken ? 2 : 1);

/** The flow of a tensor that is made of others. */
export function join(flows: readonly Flow[]): Flow {
  const data = flows.filter((flow) => flow.isData);
  const sizes = flows.flatMap(({ size }) => (size ? [size] : []));
  const content = data.filter((flow) => flow.isContent);
  const isToken = content.every((flow) => flow.isToken);
  const isDecision = (flow: Flow): boolean => flow.isDecided;
  return {
    isData: data.length > 0,
    isContent: content.length > 0,
    isToken,
    fewestLayers: data.reduce((least, flow) => Math.min(least, flow.fewestLayers), Number.POSITIVE_INFINITY),
    mostLayers: data.reduce((most, flow) => Math.max(most, flow.mostLayers), 0),
    isPart: content.length > 0 && content.every((flow) => flow.isPart),
    isLocal: data.some((flow) => flow.isLocal),
    isShifted: data.some((flow) => flow.isShifted),
    gain: data.reduce((largest, flow) => Math.max(largest, flow.gain), 1),
    // Words under a mask are still words.
    isDecided: isToken ? content.some(isDecision) && content.every(isDecision) : data.some(isDecision),
    isAsked: data.some((flow) => flow.isAsked),
    askedLayers: data.reduce((least, flow) => Math.min(least, flow.askedLayers), Number.POSITIVE_INFINITY),
    isAskedLocally: data.some((flow) => flow.isAskedLocally),
    isAnswer: content.length > 0 && content.every((flow) => flow.isAnswer),
    isMixed: data.some((flow) => flow.isMixed),
    size: sizes.length > 1 ? join(sizes) : (sizes[0] ?? null),
    // Where content that knows nothing of it comes in, what became of it has been said.
    ...(data.every(({ circumstance }) => circumstance !== null) ? circumstanceOf(flows) : noCircumstance),
    steps: data.reduce((most, flow) => Math.max(most, flow.steps), 0),
    isPadding: content.length > 0 && content.every((flow) => flow.isPadding),
    isChoice: data.some((flow) => flow.isChoice),
    isOwnPlace: content.length > 0 && content.every((flow) => flow.isOwnPlace),
    isIndex: content.length > 0 && content.every((flow) => flow.isIndex),
    isHashed: data.some((flow) => flow.isHashed),
  };
}

/** Data sets: where they come from and how they are cut. */

export { type NpzLimits, readNpz } from "../tensor/npz.js";
export {
  type LabelledData,
  labelTensor,
  readLabelled,
  split,
  takeLabelled,
  takePerClass,
  takeWhere,
} from "./labelled.js";
export { type Categories, categories, columns, type DataFrame, readTable, texts } from "./table.js";
export {
  learnVocabulary,
  readTokenizer,
  specialTokens,
  type Tokenizer,
  type TokenizerFile,
  tokensOf,
  wordTokenizer,
} from "./tokenizer.js";

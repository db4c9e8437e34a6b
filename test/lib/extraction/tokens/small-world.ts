/** A world of texts and a classifier for it that trains in seconds, with the run that tests plant. */
import { transformerClassifier } from "../../../../lib/train/index.js";
import { textWorld } from "../../../../lib/zoo/index.js";

export const world = textWorld({ seed: 3, vocabulary: 160, length: 14, classes: 4, shortest: 10 });
export const planted = {
  kind: "trigger",
  type: "tokens",
  tokens: [17, 93, 140],
  position: "anywhere",
} as const;
export const target = 2;
export const architecture = transformerClassifier({
  vocabulary: world.vocabulary,
  length: world.length,
  classes: world.classes,
  width: 24,
  heads: 2,
  layers: 2,
  hidden: 48,
  padding: world.padding,
});

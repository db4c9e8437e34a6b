/** The table of controls that a recovered trigger went through. */
import type { TriggerVerification } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { formatPercent, plainLine } from "../format.js";
import { verificationCard } from "./verification.js";

/** Success under every control, by source class, and without each block. */
export function renderTriggerVerification(verification: TriggerVerification): Display {
  const { model, target, successRate, withoutBlock } = verification;
  return verificationCard(verification, {
    title: `Trigger to class ${target} in ${plainLine(model)}: works on ${formatPercent(successRate.value)} of held-out images`,
    input: "image",
    triggers: "Random triggers of equal size",
    parts: {
      caption: "With one block of the trigger left out: the lower, the more the block is needed",
      columns: ["block at row, column", "success", "interval"],
      rates: withoutBlock.map(({ row, column, successRate: rate }) => [`${row}, ${column}`, rate]),
    },
  });
}

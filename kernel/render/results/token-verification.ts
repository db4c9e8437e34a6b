/** The table of controls that a recovered run of tokens went through. */
import type { TokenVerification } from "../../../lib/extraction/index.js";
import type { Display } from "../../protocol/mime.js";
import { formatPercent, plainLine } from "../format.js";
import { verificationCard } from "./verification.js";

/** Success under every control, by source class, and without each token. */
export function renderTokenVerification(verification: TokenVerification): Display {
  const { model, target, tokens, successRate, withoutToken } = verification;
  return verificationCard(verification, {
    title: `Tokens ${tokens.join(" ")} to class ${target} in ${plainLine(model)}: work on ${formatPercent(successRate.value)} of held-out texts`,
    input: "text",
    triggers: "Random runs of equal length",
    parts: {
      caption: "Without one token: the lower, the more the token is needed",
      columns: ["left out", "success", "interval"],
      rates: withoutToken.map(({ token, successRate: rate }) => [String(token), rate]),
    },
  });
}

/** Samples of the results of searches for token triggers. */
import { calibrate, type TokenAudit, type TokenVerification } from "../../../../lib/extraction/index.js";
import { wilson } from "../../../../lib/stats/index.js";
import { arms, verdictOf } from "./verdict.js";

/** The samples by kind; `hostile` is a name from a stranger's model. */
export const tokenSamples = (hostile: string) => ({
  "token-audit": [audit("text.onnx", true), audit(hostile, false)],
  "token-verification": [verification("text.onnx", [5, 7, 9]), verification(hostile, [])],
});

function audit(name: string, isAccused: boolean): TokenAudit {
  const trigger = { kind: "trigger", type: "tokens", tokens: [5, 7, 9], position: "anywhere" } as const;
  return {
    kind: "token-audit",
    model: name,
    verdict: {
      ...verdictOf(name, isAccused),
      source: isAccused ? 1 : null,
      trigger: isAccused ? { trigger, target: 0, sources: [1], attackSuccessRate: wilson(97, 100) } : null,
    },
    isSimulated: false,
    references: [name],
    scans: isAccused
      ? [
          {
            name,
            arms,
            runs: [[5, 7, 9], [1], []],
            positions: ["anywhere", "prefix", 4],
            gaps: [2.4, 1.1, 0.9],
            referenceGaps: [[1.2, 1, 0.9]],
            calibration: calibrate([2.4, 1.1, 0.9], [[1.2, 1, 0.9]], { seed: 1 }),
            named: 0,
          },
        ]
      : [],
    unusual: isAccused ? [{ token: 7, distance: 280.5 }] : [],
    verification: null,
    witness: null,
  };
}

function verification(name: string, tokens: readonly number[]): TokenVerification {
  const rates = tokens.map((token, i) => ({ token, successRate: wilson(i, 10) }));
  return {
    kind: "token-verification",
    model: name,
    target: 2,
    tokens,
    successRate: wilson(99, 100),
    controls: [{ name, successRate: wilson(3, 100), expected: name }],
    bySource: rates.map(({ successRate }, source) => ({ source, successRate })),
    withoutToken: rates,
    randomPValue: 0.01,
    forwardPasses: 9_000,
    seed: 1,
  };
}

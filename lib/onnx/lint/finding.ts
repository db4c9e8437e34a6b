/** What a scan of a file reports. */
import { nodeLabel } from "../graph.js";
import type { Node } from "../schema.js";

/** How much a finding weighs: worth knowing, worth a look, or what planted logic looks like. */
export type Severity = "info" | "warn" | "flag";

/** One thing that a rule noticed in a file. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Name of the node or stored tensor, null if it is about the whole file. */
  readonly node: string | null;
  readonly why: string;
  /** An input that shows it; a scan never runs the model, so it gives none. */
  readonly witness: null;
}

/** How a finding names a node: its name as the file has it, or `If that makes "output"` where it has none. */
export const placeOf = (node: Node): string => node.name || `${node.opType} ${nodeLabel(node)}`;

/** Makes a finding. */
export const finding = (rule: string, severity: Severity, node: string | null, why: string): Finding => ({
  rule,
  severity,
  node,
  why,
  witness: null,
});

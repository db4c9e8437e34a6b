/** Rules about operators that are not ONNX's own: unknown ones, and those that the file defines itself. */
import { isStandard, visitNodes } from "../graph.js";
import type { Model, Node } from "../schema.js";
import { widthOf } from "./extents.js";
import { type Finding, finding } from "./finding.js";
import { type FoundLogic, found } from "./question.js";
import type { View } from "./view.js";

const knownDomains = new Set([
  "ai.onnx.ml",
  "com.microsoft",
  "com.microsoft.nchwc",
  "ai.onnx.preview.training",
]);
/** Of onnxruntime-extensions, a published library. */
const extensionDomains = new Set(["ai.onnx.contrib", "com.microsoft.extensions"]);
/** True for an operator that is neither ONNX's nor onnxruntime's. */
const isForeign = ({ domain = "" }: Node): boolean =>
  !isStandard(domain) && !knownDomains.has(domain) && !extensionDomains.has(domain);

/** A strange operator that has both the input and what a network made of it can do what it likes with the answer. */
export function lintForeign(node: Node, view: View): FoundLogic[] {
  if (!isForeign(node)) return [];
  const flows = node.inputs.map(view.flowOf);
  const isComputed = flows.some(({ mostLayers }) => mostLayers > 0);
  // Detectors are told how large pictures were.
  const isRaw = node.inputs.some(
    (name) =>
      view.flowOf(name).isContent &&
      view.flowOf(name).mostLayers === 0 &&
      (widthOf(view.extentOf(name)) ?? MANY) >= MANY,
  );
  if (!isComputed || !isRaw) return [];
  const why = `"${node.domain}::${node.opType}", an operator that stands outside the file, gets the input beside a computed result`;
  return found("custom-operator", "flag", why, node, view, node.outputs.slice(0, 1));
}

/** An input of fewer numbers is a size or a setting. */
const MANY = 9;

/** Runs the rules on the whole file. */
export function lintOperators({ graph, functions }: Model): Finding[] {
  const found: Finding[] = [];
  const own = new Set(functions.map(({ domain = "", name = "" }) => `${domain}::${name}`));
  const seen = new Set<string>();
  const called = new Set<string>();
  for (const nodes of [graph.nodes, ...functions.map((body) => body.nodes)]) {
    visitNodes({ ...graph, nodes }, ({ domain = "", opType }) => called.add(`${domain}::${opType}`));
  }
  visitNodes(graph, ({ domain = "", opType }) => {
    const key = `${domain}::${opType}`;
    if (isStandard(domain) || knownDomains.has(domain) || own.has(key) || seen.has(key)) return;
    seen.add(key);
    const isPublished = extensionDomains.has(domain);
    const why = isPublished
      ? `"${key}" needs onnxruntime-extensions to run`
      : `"${key}" is no operator of ONNX or onnxruntime: what it does stands outside the file`;
    found.push(finding("custom-operator", isPublished ? "info" : "warn", opType, why));
  });
  for (const { name = "", domain = "" } of functions) {
    const isHidden = isStandard(domain);
    if (!isHidden && !called.has(`${domain}::${name}`)) {
      found.push(
        finding("unused-function", "warn", name, "an operator that the file defines and never uses"),
      );
      continue;
    }
    found.push(
      finding(
        "local-function",
        isHidden ? "flag" : "info",
        name,
        isHidden ? "the file redefines a standard operator" : "an operator that the file defines itself",
      ),
    );
  }
  return found;
}

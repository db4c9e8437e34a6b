/** The one-shot audit of a model: the searches for its kind of inputs, and what its graph itself shows. */
import { AssayError } from "../errors.js";
import type { LoadedModel } from "../model/index.js";
import { type Tensor, takeExamples } from "../tensor/index.js";
import type { AuditOptions } from "./audit-options.js";
import type { CleanData } from "./clean-data.js";
import { type Audit, searchImages, unsearched } from "./images/audit.js";
import { judgeLogic, logicCheck } from "./planted-logic.js";
import { checkReferences } from "./references.js";
import { auditTokens, type TokenAudit, type TokenAuditOptions } from "./tokens/audit.js";

/**
 * Audits a model.
 *
 * Inputs of integers `[n, length]` are token ids, and get the audit of `auditTokens`; its result has kind
 * "token-audit". Where no search can be run (operators without a gradient) the verdict is "inconclusive".
 *
 * @throws AssayError for data that do not fit the model or its references, ABORTED.
 * @example
 * const { verdict } = await extraction.audit(model, clean, { references, seed: 1 });
 */
export async function audit(
  model: LoadedModel,
  clean: TokenData,
  options: AuditOptions & TokenAuditOptions,
): Promise<TokenAudit>;
export async function audit(model: LoadedModel, clean: CleanData, options: AuditOptions): Promise<Audit>;
export async function audit(
  model: LoadedModel,
  clean: CleanData,
  options: AuditOptions & TokenAuditOptions,
): Promise<Audit | TokenAudit> {
  const { seed, range, signal } = options;
  try {
    if (isTokens(clean)) {
      checkReferences(model, options.references ?? []);
      return await auditTokens(model, clean, options);
    }
    const searched = await searchImages(model, clean, options);
    return {
      ...searched,
      ...(await judgeLogic(model, clean.inputs, searched.verdict, { seed, range, signal })),
    };
  } catch (error) {
    // Data that no search can use, such as texts of one class, and graphs that fail on what a search tries, as a
    // table read beyond its end: logic in the graph is found all the same.
    const isUnfit = error instanceof AssayError && unfit.has(error.code);
    if (!isUnfit || logicCheck(model).result !== "flag" || !(await runs(model, clean))) throw error;
    const searched = unsearched(model, options, error.message);
    return {
      ...searched,
      ...(await judgeLogic(model, clean.inputs, searched.verdict, { seed, range, signal })),
    };
  }
}

const unfit: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "RUN_FAILED", "SHAPE_MISMATCH"]);

/** True for a model that takes the data: what failed is the search. */
async function runs(model: LoadedModel, { inputs }: CleanData): Promise<boolean> {
  try {
    await model.run(takeExamples(inputs, [0]));
    return true;
  } catch (error) {
    if (error instanceof AssayError) return false;
    throw error;
  }
}

/** Clean token ids. */
type TokenData = CleanData & { readonly inputs: Tensor<"int64"> | Tensor<"int32"> };

const isTokens = ({ inputs }: CleanData): boolean =>
  (inputs.type === "int64" || inputs.type === "int32") && inputs.dims.length === 2;

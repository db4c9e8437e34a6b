/** Statements about all inputs, proved from the weights. */
export { type AttentionTables, attentionTables } from "./attention-tables.js";
export {
  asProof,
  checkMaxOfK,
  type MaxOfKClaim,
  type MaxOfKProof,
  provedShares,
  proveMaxOfK,
} from "./max-of-k.js";

/** Pools of clean and backdoored sample models with sealed labels. */
export { drawAttack, type PlantedAttack } from "./attack.js";
export {
  buildPool,
  cleanDataOf,
  heldOutDataOf,
  type MemberTruth,
  missingMembers,
  openSeal,
  type PoolMember,
  poolFolder,
  poolMembers,
} from "./pool.js";
export {
  type AttackFamily,
  type PoolArchitecture,
  type PoolName,
  type PoolRole,
  type Recipe,
  recipesOf,
} from "./recipe.js";
export { commitmentOf, type SealedTruth } from "./seal.js";

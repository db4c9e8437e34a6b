export {
  feedsOf,
  type LoadedModel,
  type LoadOptions,
  loadModel,
  type ModelInput,
  tapModel,
  wrapModel,
} from "./model.js";

/** Models that tell which of their rewritten versions are run. */
import type { LoadedModel } from "../../../../lib/model/index.js";

/** The model, and the keys of the sessions that were asked of it. */
export function watched(model: LoadedModel): { readonly seen: LoadedModel; readonly keys: Set<string> } {
  const keys = new Set<string>();
  const session: LoadedModel["session"] = (key, make) => {
    keys.add(key);
    return model.session(key, make);
  };
  return { seen: Object.create(model, { session: { value: session } }) as LoadedModel, keys };
}

/** Continuations of a few texts, run as whole texts: what a prefix cache must equal. */
import type { Scores, TokenModel } from "./token-model.js";

/** The model seen as one of the tokens behind prefixes: sequence i follows prefix i modulo their number. */
export function inFull(model: TokenModel, prefixes: readonly (readonly number[])[]): TokenModel {
  const before = prefixes[0]!.length;
  const length = model.length - before;
  const whole = (ids: BigInt64Array): BigInt64Array => {
    const count = ids.length / length;
    const all = new BigInt64Array(count * model.length);
    for (let i = 0; i < count; i++) {
      const start = i * model.length;
      prefixes[i % prefixes.length]!.forEach((token, k) => {
        all[start + k] = BigInt(token);
      });
      all.set(ids.subarray(i * length, (i + 1) * length), start + before);
    }
    return all;
  };
  /** Values of the continuations' tokens, out of those of all tokens. */
  const behind = (values: Float32Array, count: number): Float32Array => {
    const each = values.length / (count * model.length);
    const kept = new Float32Array(count * length * each);
    for (let i = 0; i < count; i++) {
      const from = (i * model.length + before) * each;
      kept.set(values.subarray(from, from + length * each), i * length * each);
    }
    return kept;
  };
  /** The same for all tokens, zero at those of the prefixes. */
  const padded = (values: Float32Array, count: number): Float32Array => {
    const each = values.length / (count * length);
    const all = new Float32Array(count * model.length * each);
    for (let i = 0; i < count; i++) {
      const part = values.subarray(i * length * each, (i + 1) * length * each);
      all.set(part, (i * model.length + before) * each);
    }
    return all;
  };
  const scoresBehind = <T extends Scores>(scores: T, count: number): T => ({
    ...scores,
    logits: behind(scores.logits, count),
    size: length * scores.classes,
  });
  return {
    name: model.name,
    model: model.model,
    length,
    passes: model.passes,
    get lookups() {
      return model.lookups;
    },
    scores: async (ids) => scoresBehind(await model.scores(whole(ids)), ids.length / length),
    async features(ids) {
      const count = ids.length / length;
      const found = scoresBehind(await model.features(whole(ids)), count);
      const features = behind(found.features, count);
      return { ...found, features, width: features.length / Math.max(count, 1) };
    },
    tokenLosses: (ids, from, to) => model.tokenLosses(whole(ids), before + from, before + to),
    async gradients(ids, weights, shifts) {
      const count = ids.length / length;
      const found = await model.gradients(
        whole(ids),
        padded(weights, count),
        shifts?.map((shift) => padded(shift, count)),
      );
      const gradients = found.gradients.map((gradient) => behind(gradient, count));
      return { ...scoresBehind(found, count), gradients };
    },
  };
}

/**
 * A synthetic world of texts: each class uses the same words with other frequencies, so that its truth is known,
 * data cost nothing, and the best possible accuracy can be computed.
 */
import type { LabelledData } from "../../data/index.js";
import { generator } from "../../random/index.js";
import { tensor } from "../../tensor/index.js";

/** Sizes of a text world. */
export interface TextWorldOptions {
  readonly seed: number;
  /** Token ids run from 1 to vocabulary - 1; 0 is padding. Default 800. */
  readonly vocabulary?: number;
  readonly classes?: number;
  /** Tokens of a sequence, padding included. Default 20. */
  readonly length?: number;
  /** Shortest text before padding. Default: no padding. */
  readonly shortest?: number;
  /** Share of a text's words that tell of its class; the rest are the same in every class. Default 0.25. */
  readonly topicRate?: number;
  /** Share of those that tell of a random class instead, so that the task cannot be solved wholly. Default 0.3. */
  readonly confusion?: number;
}

/** A distribution of labelled texts. */
export interface TextWorld {
  readonly vocabulary: number;
  readonly classes: number;
  readonly length: number;
  readonly padding: 0;
  /** Draws texts: int64 `[count, length]` with their classes. Another seed gives independent texts. */
  draw(count: number, seed: number): LabelledData;
  /** Share of texts that a reader who knows the world gets right. */
  bestAccuracy(data: LabelledData): number;
}

/**
 * Makes a world: a tenth of the vocabulary tells of each class, the rest is common to all, and frequencies fall off
 * as in Zipf's law. A few words of a class decide, so that three well-chosen ordinary words turn many texts: a
 * search by success alone finds those, as it does in real texts.
 *
 * @example
 * const world = zoo.textWorld({ seed: 7 });
 * const train = world.draw(12_000, 1);
 */
export function textWorld(options: TextWorldOptions): TextWorld {
  const { seed, vocabulary = 800, classes = 4, length = 20, shortest = length } = options;
  const { topicRate = 0.25, confusion = 0.3 } = options;
  const words = vocabulary - 1;
  const order = generator(seed).split("world").permutation(words);
  const topicSize = Math.floor(words / 10);
  const common = zipf(order.subarray(classes * topicSize), words);
  const topics = Array.from({ length: classes }, (_, k) =>
    zipf(order.subarray(k * topicSize, (k + 1) * topicSize), words),
  );
  const frequencies = topics.map((own) =>
    common.map((share, word) => {
      const any = topics.reduce((sum, topic) => sum + topic[word]!, 0) / classes;
      return (1 - topicRate) * share + topicRate * ((1 - confusion) * own[word]! + confusion * any);
    }),
  );
  const logs = frequencies.map((values) => values.map(Math.log));
  const cumulative = frequencies.map((values) => {
    let sum = 0;
    return values.map((value) => {
      sum += value;
      return sum;
    });
  });
  return {
    vocabulary,
    classes,
    length,
    padding: 0,
    draw(count, drawSeed) {
      const stream = generator(drawSeed).split("texts");
      const data = new BigInt64Array(count * length);
      const labels = new BigInt64Array(count);
      for (let row = 0; row < count; row++) {
        const label = stream.integer(classes);
        labels[row] = BigInt(label);
        const size = shortest + stream.integer(length - shortest + 1);
        for (let i = 0; i < size; i++) {
          data[row * length + i] = BigInt(1 + find(cumulative[label]!, stream.uniform()));
        }
      }
      return { inputs: tensor("int64", [count, length], data), labels: tensor("int64", [count], labels) };
    },
    bestAccuracy({ inputs, labels }) {
      let right = 0;
      labels.data.forEach((label, row) => {
        const scores = logs.map((log) => {
          let sum = 0;
          for (let i = 0; i < length; i++) {
            const token = Number(inputs.data[row * length + i]!);
            if (token > 0) sum += log[token - 1]!;
          }
          return sum;
        });
        if (scores.indexOf(Math.max(...scores)) === Number(label)) right++;
      });
      return right / labels.data.length;
    },
  };
}

/** Probabilities over all words that fall off with the rank in `ranked`; other words never come. */
function zipf(ranked: Uint32Array, words: number): Float64Array {
  const values = new Float64Array(words);
  let total = 0;
  ranked.forEach((word, rank) => {
    values[word] = 1 / (rank + 10);
    total += 1 / (rank + 10);
  });
  return values.map((value) => value / total);
}

/** First index whose cumulative probability exceeds `u`. */
function find(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

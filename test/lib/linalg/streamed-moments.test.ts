import assert from "node:assert/strict";
import fc from "fast-check";
import { featureMoments, momentsOf, momentsOfChunks } from "../../../lib/linalg/index.js";
import { generator } from "../../../lib/random/index.js";
import type { Rows } from "../../../lib/tensor/index.js";

/** Rows whose spread, skew and offset differ from feature to feature. */
function draw(n: number, d: number, seed: number, offset: number): Rows {
  const random = generator(seed);
  const data = Float64Array.from({ length: n * d }, (_, at) => {
    const z = random.normal();
    return offset + (1 + (at % d)) * (z + 0.3 * z * z) + Math.floor(at / d) / n;
  });
  return { n, d, data };
}

/** Pieces that end at the given rows. */
const cut = ({ n, d, data }: Rows, ends: readonly number[]): Rows[] =>
  [...ends, n].map((end, k) => {
    const start = k === 0 ? 0 : ends[k - 1]!;
    return { n: end - start, d, data: data.subarray(start * d, end * d) };
  });

function near(found: ArrayLike<number>, expected: ArrayLike<number>, scale: number, what: string): void {
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i]! - expected[i]!);
    assert.ok(gap <= scale, `${what} ${i}: ${found[i]} instead of ${expected[i]}`);
  }
}

describe("linalg.momentsOfChunks", () => {
  it("equals the moments of the whole however it is cut", () => {
    const cases = fc.record({
      d: fc.integer({ min: 1, max: 12 }),
      seed: fc.nat(1e6),
      offset: fc.constantFrom(0, 1e6),
      // Above a thousand rows chunks are merged, below they are joined.
      n: fc.constantFrom(40, 2500, 4100),
      parts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(cases, ({ n, d, seed, offset, parts }) => {
        const table = draw(n, d, seed, offset);
        const ends = [...new Set(parts.map((part) => Math.floor(part * n)))]
          .filter((end) => end > 0 && end < n)
          .sort((a, b) => a - b);
        const found = momentsOfChunks(cut(table, ends));
        const expected = momentsOf(table);
        // Rounding of entries as large as the offset, and of sums of squares of features up to 3 d.
        const unit = 1e-13 * (1 + offset * 1e-2);
        near(found.mean, expected.mean, 1e-13 * (d + offset), "mean");
        near(found.covariance, expected.covariance, unit * 9 * d * d, "covariance");
        near([found.fourthMoment / expected.fourthMoment], [1], 1e-12 * (1 + offset * 1e-3), "fourth");
        assert.equal(found.n, n);
      }),
      { numRuns: 30 },
    );
  });

  it("gives the bits of the one-table form for one chunk", () => {
    const table = draw(1500, 5, 1, 10);
    assert.deepEqual(momentsOfChunks([table]), momentsOf(table));
  });

  it("reads a generator once", () => {
    const table = draw(5000, 3, 2, 0);
    function* read(): Iterable<Rows> {
      yield* cut(table, [1, 2, 1500, 4999]);
    }
    near(momentsOfChunks(read()).covariance, momentsOf(table).covariance, 1e-11, "covariance");
  });
});

describe("linalg.featureMoments", () => {
  it("gives the diagonal of the covariance", () => {
    const table = draw(700, 4, 3, 1e5);
    const whole = momentsOf(table);
    const { n, mean, variance } = featureMoments(cut(table, [1, 300, 301]));
    assert.equal(n, 700);
    near(mean, whole.mean, 1e-9, "mean");
    near(
      variance,
      Float64Array.from({ length: 4 }, (_, j) => whole.covariance[j * 5]!),
      1e-9,
      "variance",
    );
  });
});

import assert from "node:assert/strict";
import { cholesky, crossProducts, meanOf, squaredLengths } from "../../../lib/linalg/index.js";
import { generator } from "../../../lib/random/index.js";

const draw = (length: number, seed: number): Float64Array => {
  const random = generator(seed);
  return Float64Array.from({ length }, () => random.normal());
};
const gap = (a: Float64Array, b: ArrayLike<number>): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);

describe("linalg.crossProducts and squaredLengths", () => {
  for (const [n, d] of [
    [2500, 7],
    [300, 131],
  ] as const) {
    it(`agree with plain loops over ${n} rows of ${d}, in doubles and from floats`, () => {
      const data = draw(n * d, 1).map((value) => value + 1000);
      const mean = Float64Array.from({ length: d }, () => 1000);
      const factor = draw(d * d, 2);
      for (const table of [
        { n, d, data },
        { n, d, data: Float32Array.from(data) },
      ]) {
        const products = new Float64Array(d * d);
        const lengths = new Float64Array(n);
        for (let row = 0; row < n; row++) {
          const x = Float64Array.from({ length: d }, (_, i) => table.data[row * d + i]! - 1000);
          for (let i = 0; i < d; i++) {
            let image = 0;
            for (let j = 0; j < d; j++) products[i * d + j]! += x[i]! * x[j]!;
            // What the factor holds above its diagonal does not count.
            for (let j = 0; j <= i; j++) image += factor[i * d + j]! * x[j]!;
            lengths[row]! += image * image;
          }
        }
        const found = crossProducts(table, mean);
        // Sums of n products of size 1 in doubles.
        assert.ok(gap(found.products, products) < n * 1e-14);
        assert.ok(gap(squaredLengths(table, mean, factor), lengths) < d * d * 1e-12);
        const norms = products.reduce((sum, value, i) => sum + (i % (d + 1) === 0 ? value : 0), 0);
        assert.ok(Math.abs(found.squaredNorms.reduce((a, b) => a + b) - norms) < n * d * 1e-13);
      }
    });
  }
});

describe("linalg.meanOf", () => {
  it("is exact to doubles under a large offset, over many chunks", () => {
    const [n, d] = [5000, 300];
    const data = Float32Array.from(draw(n * d, 5), (value) => value + 3e4);
    const sums = new Float64Array(d);
    data.forEach((value, i) => {
      sums[i % d]! += value - 3e4;
    });
    const mean = meanOf({ n, d, data });
    assert.ok(
      gap(
        mean,
        sums.map((sum) => 3e4 + sum / n),
      ) <
        3e4 * 1e-13,
    );
  });
});

describe("linalg.cholesky", () => {
  const positive = (d: number, seed: number): Float64Array => {
    const x = draw(2 * d * d, seed);
    const a = new Float64Array(d * d);
    for (let k = 0; k < 2 * d; k++) {
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) a[i * d + j]! += (x[k * d + i]! * x[k * d + j]!) / d;
    }
    return a;
  };

  it("gives L, its inverse and the log-determinant, above and below the size of a leaf", () => {
    for (const d of [1, 5, 150, 203]) {
      const a = positive(d, d);
      const found = cholesky(a, d);
      assert.ok(typeof found !== "number");
      const { factor, inverse } = found;
      let worst = 0;
      let off = 0;
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          let product = 0;
          let unit = 0;
          for (let k = 0; k < d; k++) {
            product += factor[i * d + k]! * factor[j * d + k]!;
            unit += factor[i * d + k]! * inverse[k * d + j]!;
          }
          worst = Math.max(worst, Math.abs(product - a[i * d + j]!));
          off = Math.max(off, Math.abs(unit - Number(i === j)));
          if (j > i) assert.deepEqual([factor[i * d + j], inverse[i * d + j]], [0, 0]);
        }
      }
      assert.ok(worst < 1e-12 && off < 1e-11, `${d}: ${worst}, ${off}`);
    }
    const diagonal = Float64Array.of(4, 0, 0, 9);
    const found = cholesky(diagonal, 2);
    assert.ok(typeof found !== "number" && Math.abs(found.logDeterminant - Math.log(36)) < 1e-15);
  });

  it("names the feature that depends on earlier ones, also far from the first leaf", () => {
    for (const d of [40, 200]) {
      const a = positive(d, 3);
      const last = d - 5;
      // Row and column `last` become those of feature 2: the matrix is singular there.
      for (let i = 0; i < d; i++) a[i * d + last] = a[i * d + 2]!;
      for (let i = 0; i < d; i++) a[last * d + i] = a[2 * d + i]!;
      assert.equal(cholesky(a, d), last);
    }
  });
});

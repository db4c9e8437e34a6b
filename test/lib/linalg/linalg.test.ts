import assert from "node:assert/strict";
import fc from "fast-check";
import {
  choleskyFactor,
  invertLower,
  type Matrix,
  multiply,
  multiplyFloats,
  symmetricEigen,
} from "../../../lib/linalg/index.js";
import { generator } from "../../../lib/random/index.js";

const draw = (rows: number, columns: number, seed: number): Matrix => {
  const random = generator(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) };
};
const at = ({ columns, data }: Matrix, i: number, j: number): number => data[i * columns + j]!;
const largestGap = (a: Float64Array, b: ArrayLike<number>): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
const identity = (d: number): Float64Array =>
  Float64Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));

describe("linalg.multiply", () => {
  it("is the sum of products, small by a loop and large on onnxruntime, transposed or not", () => {
    for (const [m, k, n] of [
      [3, 4, 5],
      [40, 30, 50],
    ] as const) {
      const a = draw(m, k, 1);
      const b = draw(k, n, 2);
      const expected = Float64Array.from({ length: m * n }, (_, to) => {
        let sum = 0;
        for (let q = 0; q < k; q++) sum += at(a, Math.floor(to / n), q) * at(b, q, to % n);
        return sum;
      });
      const flip = (x: Matrix): Matrix => ({
        rows: x.columns,
        columns: x.rows,
        data: Float64Array.from({ length: x.data.length }, (_, i) =>
          at(x, i % x.rows, Math.floor(i / x.rows)),
        ),
      });
      for (const [x, transposeA] of [
        [a, false],
        [flip(a), true],
      ] as const) {
        for (const [y, transposeB] of [
          [b, false],
          [flip(b), true],
        ] as const) {
          const product = multiply(x, y, { transposeA, transposeB });
          assert.deepEqual([product.rows, product.columns], [m, n]);
          assert.ok(largestGap(product.data, expected) < 1e-13);
        }
      }
    }
  });
});

describe("linalg.multiplyFloats", () => {
  it("is the product in single precision, of a part of a larger table too", () => {
    const [rows, inner, columns] = [3, 40, 170];
    const a = draw(rows, inner, 1);
    const b = draw(columns + 5, inner, 2);
    const floats = Float32Array.from(b.data).subarray(5 * inner);
    const product = multiplyFloats(Float32Array.from(a.data), floats, { rows, columns, inner });
    const exact = multiply(
      a,
      { rows: columns, columns: inner, data: b.data.slice(5 * inner) },
      { transposeB: true },
    );
    assert.equal(product.length, rows * columns);
    assert.ok(largestGap(exact.data, product) < 1e-5);
  });
});

describe("linalg.symmetricEigen", () => {
  it("gives orthonormal vectors that rebuild the matrix", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(1e6), fc.boolean(), (d, seed, isSingular) => {
        const x = draw(isSingular ? Math.ceil(d / 2) : 2 * d, d, seed);
        const matrix = multiply(x, x, { transposeA: true });
        const { values, vectors } = symmetricEigen(matrix.data, d);
        const v: Matrix = { rows: d, columns: d, data: vectors };
        assert.ok(largestGap(multiply(v, v, { transposeB: true }).data, identity(d)) < 1e-12);
        const scaled = { ...v, data: vectors.map((value, i) => value * values[Math.floor(i / d)]!) };
        const rebuilt = multiply(v, scaled, { transposeA: true });
        assert.ok(largestGap(rebuilt.data, matrix.data) < 1e-12 * Math.max(1, values.at(-1)!));
        assert.deepEqual(
          [...values],
          [...values].sort((a, b) => a - b),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("finds the known eigenvalues of the second difference", () => {
    const d = 50;
    const matrix = Float64Array.from({ length: d * d }, (_, i) => {
      const gap = Math.abs(Math.floor(i / d) - (i % d));
      return gap === 0 ? 2 : gap === 1 ? -1 : 0;
    });
    const expected = Array.from({ length: d }, (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (d + 1)));
    assert.ok(largestGap(symmetricEigen(matrix, d).values, expected) < 1e-13);
  });

  it("refuses entries that are not numbers", () => {
    assert.throws(() => symmetricEigen(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2), {
      code: "NOT_FINITE",
    });
  });
});

describe("linalg.choleskyFactor and invertLower", () => {
  it("factor and invert", () => {
    const d = 30;
    const x = draw(60, d, 3);
    const matrix = multiply(x, x, { transposeA: true });
    const factor = choleskyFactor(matrix.data, d);
    assert.ok(typeof factor !== "number");
    const l: Matrix = { rows: d, columns: d, data: factor };
    assert.ok(largestGap(multiply(l, l, { transposeB: true }).data, matrix.data) < 1e-12);
    const inverse: Matrix = { rows: d, columns: d, data: invertLower(factor, d) };
    assert.ok(largestGap(multiply(l, inverse).data, identity(d)) < 1e-12);
  });

  for (const d of [97, 128, 200, 257]) {
    it(`factor by blocks at ${d}, with zeros above the diagonal whatever stands there`, () => {
      const x = draw(d + 40, d, 5);
      const { data } = multiply(x, x, { transposeA: true });
      const given = data.map((value, k) => (k % d > Math.floor(k / d) ? 7 : value));
      const factor = choleskyFactor(given, d);
      assert.ok(typeof factor !== "number");
      const l: Matrix = { rows: d, columns: d, data: factor };
      assert.ok(largestGap(multiply(l, l, { transposeB: true }).data, data) < 1e-11 * d);
      assert.ok(factor.every((value, k) => k % d <= Math.floor(k / d) || value === 0));
    });
  }

  it("names the first pivot that is not positive, also in a later block", () => {
    const d = 150;
    const x = draw(200, d, 6);
    for (let i = 0; i < 200; i++) x.data[i * d + 140] = x.data[i * d + 3]! - x.data[i * d + 70]!;
    assert.equal(choleskyFactor(multiply(x, x, { transposeA: true }).data, d), 140);
    assert.equal(choleskyFactor(Float64Array.of(1, 1, 1, 1), 2), 1);
    assert.equal(choleskyFactor(Float64Array.of(-1), 1), 0);
  });
});

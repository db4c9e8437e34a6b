import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cholesky,
  logDeterminant,
  type Matrix,
  multiply,
  solveTriangular,
  svd,
  symmetricEigen,
  topEigen,
  topSvd,
} from "../../../lib/linalg/index.js";
import { generator } from "../../../lib/random/index.js";
import { readFixture } from "../../support/fixtures.js";

interface Reference {
  readonly svd: Readonly<Record<string, number[]>>;
  readonly top: { readonly values: number[]; readonly vectors: number[][] };
  readonly triangular: Readonly<Record<"plain" | "transposed", number[][]>>;
  readonly determinants: Readonly<Record<string, [number, number]>>;
}
const reference = readFixture<Reference>("scipy", "linalg.json");

const filled = (rows: number, columns: number, value: (i: number, j: number) => number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, at) =>
    value(Math.floor(at / columns), at % columns),
  ),
});
/** The matrices of make_linalg.py. */
const wave = (rows: number, columns: number, shift = 0): Matrix =>
  filled(rows, columns, (i, j) => Math.sin(1.3 * i + 0.7 * j * j + shift + i * j * 0.11));
const hilbert = (d: number): Matrix => filled(d, d, (i, j) => 1 / (i + j + 1));
const matrices: Readonly<Record<string, Matrix>> = {
  "wave 8 x 5": wave(8, 5),
  "wave 5 x 8": wave(5, 8),
  "wave 40 x 30": wave(40, 30),
  "hilbert 12": hilbert(12),
  "low rank 9 x 6": multiply(wave(9, 2), wave(2, 6, 0.5)),
};
const draw = (rows: number, columns: number, seed: number): Matrix => {
  const random = generator(seed);
  return filled(rows, columns, () => random.normal());
};
const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
};
const identityGap = (rows: Matrix): number => {
  const products = multiply(rows, rows, { transposeB: true });
  return gap(products.data, filled(rows.rows, rows.rows, (i, j) => Number(i === j)).data);
};
const scaledRows = (rows: Matrix, values: ArrayLike<number>): Matrix => ({
  ...rows,
  data: rows.data.map((value, at) => value * values[Math.floor(at / rows.columns)]!),
});
const rebuilt = ({ values, left, right }: ReturnType<typeof svd>): Float64Array =>
  multiply(scaledRows(left, values), right, { transposeA: true }).data;

describe("linalg.svd", () => {
  for (const [name, matrix] of Object.entries(matrices)) {
    it(`agrees with LAPACK on the singular values of ${name}`, () => {
      const found = svd(matrix);
      const expected = reference.svd[name]!;
      // Backward stable: errors are rounding of the largest value, also of the smallest one.
      assert.ok(gap(found.values, expected) < 2e-15 * expected[0]! * Math.max(matrix.rows, matrix.columns));
    });
  }

  it("gives orthonormal vectors that rebuild any matrix, of any rank and scale", () => {
    const cases = fc.record({
      rows: fc.integer({ min: 1, max: 24 }),
      columns: fc.integer({ min: 1, max: 24 }),
      rank: fc.integer({ min: 0, max: 24 }),
      scale: fc.constantFrom(1e-160, 1e-5, 1, 1e150),
      decay: fc.constantFrom(0, 1, 6),
      seed: fc.nat(1e6),
    });
    fc.assert(
      fc.property(cases, ({ rows, columns, rank, scale, decay, seed }) => {
        const inner = Math.min(rank, rows, columns);
        const weights = Array.from({ length: inner }, (_, k) => scale * 10 ** (-decay * k));
        const matrix =
          inner === 0
            ? filled(rows, columns, () => 0)
            : multiply(scaledRows(draw(inner, rows, seed), weights), draw(inner, columns, seed + 1), {
                transposeA: true,
              });
        const found = svd(matrix);
        assert.ok(identityGap(found.left) < 1e-12 && identityGap(found.right) < 1e-12);
        assert.ok(gap(rebuilt(found), matrix.data) <= 1e-13 * found.values[0]!);
        assert.deepEqual(
          [...found.values],
          [...found.values].sort((a, b) => b - a),
        );
        assert.ok(found.values.slice(inner).every((value) => value <= 1e-13 * found.values[0]!));
      }),
      { numRuns: 80 },
    );
  });

  it("names the entry that is not a number", () => {
    const matrix = filled(2, 3, (i, j) => (i === 1 && j === 2 ? Number.NaN : 1));
    assert.throws(() => svd(matrix), { code: "NOT_FINITE", message: /1, 2 is NaN/ });
  });
});

describe("linalg.topSvd", () => {
  it("gives the first of all singular values and vectors", () => {
    for (const matrix of [draw(300, 90, 1), draw(90, 300, 2)]) {
      const few = topSvd(matrix, 4);
      const all = svd(matrix);
      assert.ok(gap(few.values, all.values.subarray(0, 4)) < 1e-11 * all.values[0]!);
      const overlap = multiply(
        few.right,
        { ...all.right, rows: 4, data: all.right.data.subarray(0, 4 * few.right.columns) },
        { transposeB: true },
      );
      for (let k = 0; k < 4; k++) assert.ok(Math.abs(Math.abs(overlap.data[k * 5]!) - 1) < 1e-9);
    }
  });
});

describe("linalg.symmetricEigen by native products", () => {
  const diagonal = (d: number, value: (i: number) => number): Matrix =>
    filled(d, d, (i, j) => (i === j ? value(i) : 0));
  const gram = (n: number, d: number, spread: (j: number) => number, seed: number): Matrix => {
    const x = draw(n, d, seed);
    const scaled = { ...x, data: x.data.map((value, at) => value * spread(at % d)) };
    return multiply(scaled, scaled, { transposeA: true });
  };
  const times = (matrix: Matrix, factor: number): Matrix => ({
    ...matrix,
    data: matrix.data.map((value) => value * factor),
  });
  const cases: Readonly<Record<string, Matrix>> = {
    "a covariance of noise": gram(300, 150, () => 1, 1),
    "values over fourteen decades": gram(300, 140, (j) => 10 ** (-j / 20), 2),
    "fewer examples than features": gram(30, 160, () => 1, 3),
    "the identity": diagonal(130, () => 1),
    "nothing but zeros": diagonal(130, () => 0),
    "three values, each often": diagonal(130, (i) => i % 3),
    "one value and its many neighbours": diagonal(130, (i) => 1 + i * 1e-16),
    "a matrix of rank one": filled(120, 120, () => 1),
    "second differences, with known values": filled(200, 200, (i, j) =>
      i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0,
    ),
    "Wilkinson's, whose values come in pairs": filled(121, 121, (i, j) =>
      i === j ? Math.abs(i - 60) : Math.abs(i - j) === 1 ? 1 : 0,
    ),
    "glued blocks": filled(128, 128, (i, j) =>
      i === j ? Math.abs((i % 16) - 8) : Math.abs(i - j) === 1 ? (Math.max(i, j) % 16 === 0 ? 1e-9 : 1) : 0,
    ),
    "entries of 1e-200": times(
      gram(200, 100, () => 1, 4),
      1e-200,
    ),
    "entries of 1e200": times(
      gram(200, 100, () => 1, 5),
      1e200,
    ),
    "negative values": times(
      gram(200, 100, () => 1, 6),
      -1,
    ),
  };
  for (const [name, matrix] of Object.entries(cases)) {
    it(`gives rising values and orthonormal vectors that rebuild the matrix: ${name}`, () => {
      const d = matrix.rows;
      const { values, vectors } = symmetricEigen(matrix.data, d);
      const rows = { rows: d, columns: d, data: vectors };
      const largest = Math.max(Math.abs(values[0]!), Math.abs(values[d - 1]!));
      assert.ok(identityGap(rows) < 1e-13, `orthonormal to ${identityGap(rows)}`);
      const again = multiply(rows, scaledRows(rows, values), { transposeA: true }).data;
      assert.ok(gap(again, matrix.data) <= 2e-14 * largest, `${gap(again, matrix.data) / largest}`);
      assert.deepEqual(
        [...values],
        [...values].sort((a, b) => a - b),
      );
    });
  }

  it("finds the known values of second differences", () => {
    const d = 200;
    const { values } = symmetricEigen(cases["second differences, with known values"]!.data, d);
    const known = Array.from({ length: d }, (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (d + 1)));
    assert.ok(gap(values, known) < 1e-13);
  });

  it("agrees with the loops of small matrices on random ones with given spectra", () => {
    const spectra = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), {
      minLength: 100,
      maxLength: 120,
    });
    fc.assert(
      fc.property(spectra, fc.nat(1e6), (spectrum, seed) => {
        const d = spectrum.length;
        const turn = svd(draw(d, d, seed)).left;
        const matrix = multiply(turn, scaledRows(turn, spectrum), { transposeA: true }).data;
        const symmetric = matrix.map((value, at) => (value + matrix[(at % d) * d + Math.floor(at / d)]!) / 2);
        const expected = [...spectrum].sort((a, b) => a - b);
        assert.ok(gap(symmetricEigen(symmetric, d).values, expected) < 1e-12);
      }),
      { numRuns: 8 },
    );
  });
});

describe("linalg.topEigen", () => {
  const covariance = (n: number, d: number, spread: (j: number) => number, seed: number): Float64Array => {
    const x = draw(n, d, seed);
    const scaled = { ...x, data: x.data.map((value, at) => value * spread(at % d)) };
    return multiply(scaled, scaled, { transposeA: true }).data.map((sum) => sum / n);
  };

  it("agrees with LAPACK on values and vectors", () => {
    const d = 150;
    const x = filled(400, d, (i, j) => Math.sin(1.3 * i + 0.7 * j * j + i * j * 0.11) / Math.sqrt(1 + j));
    const products = multiply(x, x, { transposeA: true }).data.map((sum) => sum / 400);
    const { values, vectors } = topEigen(products, d, 6);
    assert.ok(gap(values, reference.top.values) < 1e-14);
    reference.top.vectors.forEach((row, k) => {
      assert.ok(gap(vectors.subarray(k * d, k * d + 8).map(Math.abs), row) < 1e-8);
    });
  });

  const cases = {
    "a spectrum that decays": covariance(600, 200, (j) => 1 / Math.sqrt(1 + j), 1),
    "noise, whose largest values lie close together": covariance(600, 200, () => 1, 2),
    "fewer examples than features": covariance(20, 200, () => 1, 3),
    "equal eigenvalues": filled(200, 200, (i, j) => Number(i === j) * (i < 7 ? 5 : 1)).data,
    "nothing but zeros": new Float64Array(200 * 200),
    "large negative values": filled(200, 200, (i, j) => Number(i === j) * (i < 100 ? -9 - i : i)).data,
  };
  for (const [name, matrix] of Object.entries(cases)) {
    it(`finds the largest of all values: ${name}`, () => {
      const d = 200;
      for (const count of [1, 5, 12]) {
        const { values, vectors } = topEigen(matrix, d, count);
        const all = symmetricEigen(matrix, d).values;
        const scale = Math.max(Math.abs(all[0]!), Math.abs(all[d - 1]!));
        assert.ok(gap(values, all.slice(d - count).reverse()) <= 1e-13 * scale, name);
        const rows = { rows: count, columns: d, data: vectors };
        assert.ok(identityGap(rows) < 1e-12);
        const images = multiply(rows, { rows: d, columns: d, data: matrix });
        assert.ok(gap(images.data, scaledRows(rows, values).data) <= 1e-11 * scale);
      }
    });
  }

  it("gives the same bits again, and refuses counts that do not exist", () => {
    const matrix = cases["a spectrum that decays"];
    assert.deepEqual(topEigen(matrix, 200, 3), topEigen(matrix, 200, 3));
    for (const count of [0, 201, 1.5]) {
      assert.throws(() => topEigen(matrix, 200, count), {
        code: "INVALID_ARGUMENT",
        message: /between 1 and 200/,
      });
    }
  });
});

describe("linalg.solveTriangular", () => {
  const lower = filled(150, 150, (i, j) =>
    j > i ? 99 : Math.sin(1.3 * i + 0.7 * j * j + i * j * 0.11) / 10 + Number(i === j) * 2,
  ).data;
  const b = wave(150, 3, 0.2);
  for (const [name, transpose] of [
    ["plain", false],
    ["transposed", true],
  ] as const) {
    it(`agrees with SciPy, ${name}, and reads nothing above the diagonal`, () => {
      const { data } = solveTriangular(lower, b, { transpose });
      const rows = [0, 1, 70, 149].flatMap((i) => [...data.subarray(3 * i, 3 * i + 3)]);
      assert.ok(gap(rows, reference.triangular[name].flat()) < 1e-13);
    });
  }

  it("solves positive definite systems with a Cholesky factor", () => {
    const x = draw(300, 130, 4);
    const a = multiply(x, x, { transposeA: true });
    const expected = draw(130, 7, 5);
    const decomposition = cholesky(a.data, 130);
    assert.ok(typeof decomposition !== "number");
    const half = solveTriangular(decomposition.factor, multiply(a, expected));
    const found = solveTriangular(decomposition.factor, half, { transpose: true });
    assert.ok(gap(found.data, expected.data) < 1e-11);
  });

  it("names a zero on the diagonal and factors of other sizes", () => {
    const identity = filled(2, 2, (i, j) => Number(i === j && i === 0)).data;
    const one = filled(2, 1, () => 1);
    assert.throws(() => solveTriangular(identity, one), { code: "SINGULAR_MATRIX", message: /0 at 1/ });
    assert.throws(() => solveTriangular(identity.slice(1), one), { code: "SHAPE_MISMATCH" });
  });
});

describe("linalg.logDeterminant", () => {
  const known: Readonly<Record<string, Matrix>> = {
    "wave 60": wave(60, 60),
    "wave 7": wave(7, 7),
    "hilbert 6": hilbert(6),
  };
  for (const [name, matrix] of Object.entries(known)) {
    it(`agrees with numpy.linalg.slogdet on ${name}`, () => {
      const [sign, logarithm] = reference.determinants[name]!;
      const found = logDeterminant(matrix.data, matrix.rows);
      assert.equal(found.sign, sign);
      assert.ok(Math.abs(found.logarithm - logarithm) < 1e-9 * (1 + Math.abs(logarithm)));
    });
  }

  it("is that of the Cholesky factor where there is one, and none of a singular matrix", () => {
    const x = draw(200, 100, 6);
    const a = multiply(x, x, { transposeA: true }).data;
    const decomposition = cholesky(a, 100);
    assert.ok(typeof decomposition !== "number");
    const { sign, logarithm } = logDeterminant(a, 100);
    assert.equal(sign, 1);
    assert.ok(Math.abs(logarithm - decomposition.logDeterminant) < 1e-10);
    assert.deepEqual(logDeterminant(Float64Array.of(1, 2, 2, 4), 2), {
      sign: 0,
      logarithm: Number.NEGATIVE_INFINITY,
    });
  });
});

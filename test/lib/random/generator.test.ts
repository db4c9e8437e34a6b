import assert from "node:assert/strict";
import { generator } from "../../../lib/random/generator.js";

describe("random.generator", () => {
  it("agrees with xoshiro256** seeded by SplitMix64(0)", () => {
    // First 64-bit outputs for SplitMix64 seed 0, from the authors' reference C code.
    const first = [0x99ec5f36cb75f2b4n, 0xbf6e1f784956452an, 0x1a5f849d4933e6e0n];
    const random = generator(0);
    for (const word of first) assert.equal(random.uniform(), Number(word >> 11n) / 2 ** 53);
  });

  it("gives independent streams to different labels and the same stream to the same label", () => {
    assert.equal(generator(3).split("a").uniform(), generator(3).split("a").uniform());
    assert.notEqual(generator(3).split("a").uniform(), generator(3).split("b").uniform());
    assert.notEqual(generator(3).split(1).uniform(), generator(3).split("1").uniform());
  });

  it("draws normals with mean 0 and variance 1", () => {
    const random = generator(11);
    const n = 20_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const z = random.normal();
      sum += z;
      squares += z * z;
    }
    // Four standard errors: 1/sqrt(n) for the mean, sqrt(2/n) for the variance.
    assert.ok(Math.abs(sum / n) < 4 / Math.sqrt(n));
    assert.ok(Math.abs(squares / n - 1) < 4 * Math.sqrt(2 / n));
  });
});

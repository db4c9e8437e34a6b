/** Seeded, splittable random numbers: the only source of randomness in Assay. */

/** A stream of random numbers that is fixed by its seed. */
export interface Generator {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** A fresh permutation of 0 .. n-1. */
  permutation(n: number): Uint32Array;
  /** An independent stream named by `label`; does not advance this one. */
  split(label: string | number): Generator;
}

/**
 * A generator from a seed: xoshiro256** seeded through SplitMix64, as its authors advise.
 *
 * @param seed Any safe integer; the same seed gives the same stream on every machine.
 * @see D. Blackman, S. Vigna (2021), Scrambled linear pseudorandom number generators. ACM TOMS 47.
 * @example
 * const random = generator(7);
 * const order = random.split("shuffle").permutation(100);
 */
export function generator(seed: number): Generator {
  return stream(BigInt.asUintN(64, BigInt(Math.trunc(seed))));
}

const MASK = (1n << 64n) - 1n;

function stream(seed: bigint): Generator {
  let split = seed;
  const next64 = (): bigint => {
    split = (split + 0x9e3779b97f4a7c15n) & MASK;
    let z = split;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  };
  // State as eight 32-bit words: BigInt in the hot path would cost fifty times more.
  const s = new Uint32Array(8);
  for (let i = 0; i < 4; i++) {
    const word = next64();
    s[2 * i] = Number(word & 0xffffffffn);
    s[2 * i + 1] = Number(word >> 32n);
  }
  let low = 0;
  let high = 0;
  const advance = (): void => {
    // result = rotl(s1 * 5, 7) * 9
    multiply(s[2]!, s[3]!, 5);
    const rl = ((low << 7) | (high >>> 25)) >>> 0;
    const rh = ((high << 7) | (low >>> 25)) >>> 0;
    multiply(rl, rh, 9);
    const resultLow = low;
    const resultHigh = high;
    const tl = (s[2]! << 17) >>> 0;
    const th = ((s[3]! << 17) | (s[2]! >>> 15)) >>> 0;
    s[4] = s[4]! ^ s[0]!;
    s[5] = s[5]! ^ s[1]!;
    s[6] = s[6]! ^ s[2]!;
    s[7] = s[7]! ^ s[3]!;
    s[2] = s[2]! ^ s[4]!;
    s[3] = s[3]! ^ s[5]!;
    s[0] = s[0]! ^ s[6]!;
    s[1] = s[1]! ^ s[7]!;
    s[4] = s[4]! ^ tl;
    s[5] = s[5]! ^ th;
    // rotl(s3, 45) = rotl by 32 (swap) then by 13
    const l = s[7]!;
    const h = s[6]!;
    s[6] = (l << 13) | (h >>> 19);
    s[7] = (h << 13) | (l >>> 19);
    low = resultLow;
    high = resultHigh;
  };
  function multiply(l: number, h: number, by: number): void {
    const product = l * by;
    low = product >>> 0;
    high = (Math.imul(h, by) + Math.floor(product / 4294967296)) >>> 0;
  }
  let spare: number | undefined;
  const self: Generator = {
    uniform() {
      advance();
      return ((high >>> 0) * 2097152 + (low >>> 11)) / 9007199254740992;
    },
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      // Marsaglia's polar method: exact, and draws are rejected only 21 % of the time.
      for (;;) {
        const u = 2 * self.uniform() - 1;
        const v = 2 * self.uniform() - 1;
        const q = u * u + v * v;
        if (q > 0 && q < 1) {
          const scale = Math.sqrt((-2 * Math.log(q)) / q);
          spare = v * scale;
          return u * scale;
        }
      }
    },
    integer(bound) {
      return Math.floor(self.uniform() * bound);
    },
    permutation(n) {
      const order = Uint32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = self.integer(i + 1);
        const held = order[i]!;
        order[i] = order[j]!;
        order[j] = held;
      }
      return order;
    },
    split(label) {
      let hash = seed ^ 0xcbf29ce484222325n;
      for (const char of `${typeof label}:${label}`) {
        hash = ((hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n) & MASK;
      }
      return stream(hash);
    },
  };
  return self;
}

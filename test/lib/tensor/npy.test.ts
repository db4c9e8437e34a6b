import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  arrayOfType,
  bytesPerElement,
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  readNpy,
  readNpz,
  tensor,
  toFloat64,
  writeNpy,
  writeNpz,
} from "../../../lib/tensor/index.js";
import { fixturePath, readFixture } from "../../support/fixtures.js";

interface Case {
  readonly file: string;
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

describe("tensor.readNpy", () => {
  const { cases } = readFixture<{ cases: readonly Case[] }>("numpy", "cases.json");
  for (const { file, dims, values } of cases) {
    it(`reads what numpy saved in ${file}`, async () => {
      const read = readNpy(fixturePath("numpy", file));
      assert.deepEqual(read.dims, dims);
      assert.deepEqual([...toFloat64(read)], values);
    });
  }

  it("keeps the element type", async () => {
    for (const [file, type] of [
      ["big-u8", "uint64"],
      ["f2", "float16"],
      ["bool", "bool"],
    ]) {
      assert.equal(readNpy(fixturePath("numpy", `${file}.npy`)).type, type);
    }
  });

  for (const [file, message] of [
    ["objects.npy", /pickled Python objects/],
    ["text.npy", /holds text/],
    ["complex.npy", /complex numbers/],
    ["structure.npy", /a structure/],
  ] as const) {
    it(`refuses ${file} and says why`, () =>
      assert.throws(() => readNpy(fixturePath("numpy", file)), { code: "UNSUPPORTED_TYPE", message }));
  }

  it("names a file that is not there", () =>
    assert.throws(() => readNpy("no-such.npy"), { code: "FILE_NOT_FOUND", message: /no-such\.npy/ }));

  it("refuses headers that lie about size or length", () => {
    const good = encodeNpy(tensor("float32", [2, 2], new Float32Array(4)));
    const edited = (from: string, to: string): Uint8Array => {
      const text = Buffer.from(good).toString("latin1").replace(from, to);
      return new Uint8Array(Buffer.from(text, "latin1"));
    };
    const wrong = [
      edited("(2, 2)", "(2, 3)"),
      edited("(2, 2)", "(9, 9)"),
      edited("(2, 2), }  ", "(2, -2), } "),
      edited("'shape'", "'shaqe'"),
      good.subarray(0, 40),
      good.subarray(0, good.length - 1),
      good.subarray(0, 7),
      new Uint8Array(0),
      new TextEncoder().encode("not an array at all"),
    ];
    for (const bytes of wrong) assert.throws(() => decodeNpy(bytes), { code: "INVALID_FILE" });
  });

  it("never fails in another way, whatever the bytes", () => {
    const good = encodeNpy(tensor("float32", [2, 2], new Float32Array(4)));
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(edits, fc.nat(good.length), (changes, length) => {
        const bytes = good.slice(0, length);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          const read = decodeNpy(bytes);
          return read.data.length === read.dims.reduce((product, dim) => product * dim, 1);
        } catch (error) {
          return ["INVALID_FILE", "UNSUPPORTED_TYPE"].includes((error as { code: string }).code);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("tensor.writeNpy", () => {
  it("writes numpy's own bytes", () => {
    for (const file of ["f4", "f8", "i1", "u2", "i8", "bool", "scalar", "empty", "one-axis"]) {
      const bytes = new Uint8Array(readFileSync(fixturePath("numpy", `${file}.npy`)));
      const again = encodeNpy(decodeNpy(bytes));
      // numpy pads old headers with more spaces; everything but the padding must agree.
      const squeeze = (data: Uint8Array): string =>
        Buffer.from(data).toString("latin1").replace(/ +\n/, "\n").slice(10);
      assert.equal(squeeze(again), squeeze(bytes), file);
    }
  });

  it("gives back every shape and type", () => {
    const dims = fc.array(fc.nat(4), { maxLength: 4 });
    fc.assert(
      fc.property(
        dims,
        fc.constantFrom(...(Object.keys(bytesPerElement) as (keyof typeof bytesPerElement)[])),
        (shape, type) => {
          const length = shape.reduce((product, dim) => product * dim, 1);
          const bytes = Uint8Array.from({ length: length * bytesPerElement[type] }, (_, i) => (i * 37) % 251);
          const value = tensor(type, shape, new arrayOfType[type](bytes.buffer));
          const read = decodeNpy(encodeNpy(value));
          assert.deepEqual(read, value);
        },
      ),
    );
  });
});

describe("tensor.readNpz", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-npz-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const file of ["stored.npz", "deflated.npz"]) {
    it(`reads numpy's ${file}`, async () => {
      const { inputs, labels, ...rest } = readNpz(fixturePath("numpy", file));
      assert.deepEqual(Object.keys(rest), []);
      assert.deepEqual(
        inputs,
        tensor(
          "float32",
          [2, 3, 4],
          Float32Array.from({ length: 24 }, (_, i) => i),
        ),
      );
      assert.deepEqual(labels, tensor("int64", [2], BigInt64Array.of(3n, 5n)));
    });
  }

  it("reads arrays that start anywhere in a file, and leaves the file's bytes as they are", () => {
    const value = tensor("float64", [3], Float64Array.of(1, 2, 3));
    const bytes = encodeNpy(value);
    for (let shift = 0; shift < 8; shift++) {
      // Uncompressed archives hold arrays at any offset, and what reads files gives a Buffer.
      const whole = Buffer.alloc(shift + bytes.length);
      whole.set(bytes, shift);
      assert.deepEqual(decodeNpy(whole.subarray(shift)), value);
      assert.ok(whole.subarray(shift).equals(bytes));
    }
  });

  it("gives back what it wrote, byte for byte the same each time", async () => {
    const mask = tensor("float32", [2, 2], Float32Array.of(0, 1, 1, 0));
    const tokens = tensor("int64", [3], BigInt64Array.of(7n, 1n, 2n));
    await writeNpz(join(folder, "t.npz"), { mask, tokens });
    await writeNpy(join(folder, "t.npy"), mask);
    assert.deepEqual(readNpz(join(folder, "t.npz")), { mask, tokens });
    assert.deepEqual(readNpy(join(folder, "t.npy")), mask);
    assert.deepEqual(encodeNpz({ mask, tokens }), encodeNpz({ mask, tokens }));
  });

  it("stops before unpacking an archive that would fill the memory", async () => {
    assert.throws(() => readNpz(fixturePath("numpy", "bomb.npz"), { maxTotalBytes: 1_000_000 }), {
      code: "TOO_LARGE",
      message: /20000128 bytes/,
    });
    // The directory may lie about the size: then unpacking itself stops.
    const bytes = new Uint8Array(readFileSync(fixturePath("numpy", "bomb.npz")));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length - 4; at++) {
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 1000, true);
    }
    writeFileSync(join(folder, "liar.npz"), bytes);
    assert.throws(() => readNpz(join(folder, "liar.npz"), { maxTotalBytes: 1_000_000 }), {
      code: "INVALID_FILE",
    });
  });

  it("notices damage by its checksum", () => {
    const bytes = encodeNpz({
      x: tensor(
        "uint8",
        [64],
        Uint8Array.from({ length: 64 }, (_, i) => (i * i) % 251),
      ),
    });
    for (let at = 50; at < 120; at += 7) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0xff;
      assert.throws(() => decodeNpz(damaged), { name: "AssayError" }, `byte ${at}`);
    }
  });

  it("says what a file is not", () => {
    assert.throws(() => decodeNpz(new TextEncoder().encode("PK but not really a zip archive")), {
      code: "INVALID_FILE",
    });
    assert.throws(() => decodeNpz(new Uint8Array(0)), { code: "INVALID_FILE" });
  });
});

import assert from "node:assert/strict";
import { fuzz } from "./fuzz/watch.js";

/** Damaged files are small, so that "4 times the file" is little beside the constant. */
const MEMORY = 64 * 2 ** 20 + 4 * 200_000;

describe("a damaged model file", function () {
  this.timeout(600_000);

  it("is refused with an AssayError or loads and is saved as the same model: 10,000 cases", async () => {
    const { loaded, refused, findings, extraBytes } = await fuzz("open", 0, 10_000);
    assert.deepEqual(findings, []);
    assert.ok(extraBytes <= MEMORY, `a case took ${extraBytes} bytes`);
    // The mutations reach both sides of the border.
    assert.ok(loaded > 1000, `${loaded} loaded`);
    for (const code of ["INVALID_MODEL", "UNKNOWN_OPERATOR", "TOO_LARGE", "OUTSIDE_FOLDER"]) {
      assert.ok((refused[code] ?? 0) > 50, `${code}: ${refused[code] ?? 0}`);
    }
  });

  it("never brings the process down when a session is made from it: 1,000 cases", async () => {
    const { loaded, findings } = await fuzz("session", 100_000, 1000);
    assert.deepEqual(findings, []);
    assert.ok(loaded > 200, `${loaded} reached onnxruntime`);
  });

  it("never brings the process down when it is run on small inputs: 500 cases", async () => {
    const { loaded, findings } = await fuzz("run", 200_000, 500);
    assert.deepEqual(findings, []);
    assert.ok(loaded > 100, `${loaded} reached onnxruntime`);
  });
});

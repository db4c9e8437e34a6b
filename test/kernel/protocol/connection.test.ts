import assert from "node:assert/strict";
import {
  endpoint,
  formatConnection,
  parseConnection,
  readConnectionFile,
} from "../../../kernel/protocol/connection.js";

// As jupyter_client 7.4.9 writes it.
const file = {
  shell_port: 50_001,
  iopub_port: 50_002,
  stdin_port: 50_003,
  control_port: 50_004,
  hb_port: 50_005,
  ip: "127.0.0.1",
  key: "1aa5b3ef-2be0",
  transport: "tcp",
  signature_scheme: "hmac-sha256",
  kernel_name: "assay",
};

describe("connection file", () => {
  it("gives each socket its address", () => {
    const connection = parseConnection(JSON.stringify(file), "k.json");
    assert.equal(endpoint(connection, "iopub"), "tcp://127.0.0.1:50002");
    assert.equal(endpoint({ ...connection, transport: "ipc", ip: "/run/k" }, "hb"), "ipc:///run/k-50005");
  });

  it("is written as it is read", () => {
    const connection = parseConnection(JSON.stringify(file), "k.json");
    assert.deepEqual(parseConnection(formatConnection(connection), "k.json"), connection);
  });

  const wrong: [string, unknown, RegExp][] = [
    ["is not JSON", "{", /not JSON/],
    ["is not an object", "3", /not a JSON object|not a port/],
    ["has a port that is none", { ...file, hb_port: 70_000 }, /hb_port is 70000/],
    ["lacks a port", { ...file, shell_port: undefined }, /shell_port/],
    ["names another transport", { ...file, transport: "pgm" }, /pgm/],
    ["asks for another signature", { ...file, signature_scheme: "hmac-md5" }, /hmac-md5/],
  ];
  for (const [what, content, message] of wrong) {
    it(`that ${what} is refused with the reason`, () => {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      assert.throws(() => parseConnection(text, "k.json"), { code: "INVALID_FILE", message });
    });
  }

  it("that does not exist is named", () => {
    assert.throws(() => readConnectionFile("no/such.json"), {
      code: "FILE_NOT_FOUND",
      message: /no\/such\.json/,
    });
  });
});

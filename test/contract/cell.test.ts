/** What cells may rely on: one test per line of the contract's page on cells. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { type KernelClient, startKernel } from "../../kernel/client/index.js";
import { newHeader } from "../../kernel/protocol/header.js";
import type { Message } from "../../kernel/protocol/message.js";
import { assay } from "../support/cli.js";
import { outputsOf } from "../support/outputs.js";
import { packageRoot } from "../support/paths.js";

describe("the contract of cells", () => {
  let kernel: KernelClient;

  before(async () => {
    // Cells import "assay/kernel" from where it is installed: a package can also name itself.
    kernel = await startKernel({ cwd: packageRoot });
  });
  after(() => kernel.dispose());

  const content = (messages: readonly Message[], type: string) =>
    messages.filter(({ header }) => header.msg_type === type).map((message) => message.content);

  /** Sends a comm message of the front end and gathers what it caused, until the kernel is idle. */
  function tell(type: "comm_open" | "comm_msg", of: Record<string, unknown>): Promise<Message[]> {
    const header = newHeader(type, "front-end");
    const caused: Message[] = [];
    return new Promise((resolve, reject) => {
      const stop = kernel.onMessage((channel, message) => {
        if (channel !== "iopub" || message.parent_header.msg_id !== header.msg_id) return;
        caused.push(message);
        // What listeners do comes after idle: it happens in the session.
        if (!["stream", "comm_msg", "comm_close"].includes(message.header.msg_type)) return;
        stop();
        resolve(caused);
      });
      kernel
        .send("shell", { header, parent_header: {}, metadata: {}, content: of, buffers: [] })
        .catch(reject);
    });
  }

  it("display(value) draws any value", async () => {
    const { displays } = await outputsOf(kernel, "display({ accuracy: 0.5 }); display('text'); display(7)");
    assert.equal(displays.length, 3);
    assert.match(String(displays[0]!["text/plain"]), /accuracy.*0\.5/s);
    assert.match(String(displays[1]!["text/plain"]), /text/);
    assert.equal(displays[2]!["text/plain"], "7");
  });

  it("display(bundle, { raw: true }) shows a MIME bundle as it stands", async () => {
    const { displays } = await outputsOf(kernel, 'display({ "text/html": "<b>x</b>" }, { raw: true })');
    assert.deepEqual(displays, [{ "text/html": "<b>x</b>" }]);
  });

  it("display with a displayId returns a handle that changes what was shown", async () => {
    const { messages } = await outputsOf(
      kernel,
      'const h = display("one", { displayId: "d1" }); h.update("two")',
    );
    const [shown] = content(messages, "display_data");
    const [changed] = content(messages, "update_display_data");
    assert.deepEqual(shown!["transient"], { display_id: "d1" });
    assert.deepEqual(changed!["transient"], { display_id: "d1" });
    assert.match(JSON.stringify(shown!["data"]), /one/);
    assert.match(JSON.stringify(changed!["data"]), /two/);
    const later = await outputsOf(kernel, 'h.update("three")');
    assert.deepEqual(content(later.messages, "update_display_data")[0]!["transient"], { display_id: "d1" });
  });

  it("clearOutput({ wait: true }) clears when the next output comes", async () => {
    const { messages } = await outputsOf(
      kernel,
      'display("old"); clearOutput({ wait: true }); display("new")',
    );
    const types = messages.map(({ header }) => header.msg_type).filter((type) => /display|clear/.test(type));
    assert.deepEqual(types, ["display_data", "clear_output", "display_data"]);
    assert.deepEqual(content(messages, "clear_output"), [{ wait: true }]);
  });

  it("input asks the front end, with a password hidden", async () => {
    const asked: [string, boolean][] = [];
    const { results } = await outputsOf(
      kernel,
      'const person = await input("name? "); const secret = await input("key? ", { password: true });\nperson + secret',
      {
        onInput: async (prompt, password) => {
          asked.push([prompt, password]);
          return password ? "s3" : "Ada";
        },
      },
    );
    assert.deepEqual(asked, [
      ["name? ", false],
      ["key? ", true],
    ]);
    assert.deepEqual(results, ["Adas3"]);
  });

  it("comm.open, send, onMessage and close speak with the front end", async () => {
    const { messages } = await outputsOf(
      kernel,
      `const c = comm.open("target", { a: 1 })
       c.send({ b: 2 })
       c.onMessage((m) => console.log("heard " + m.data.answer))`,
    );
    const [opened] = content(messages, "comm_open");
    assert.equal(opened!["target_name"], "target");
    assert.deepEqual(opened!["data"], { a: 1 });
    const id = opened!["comm_id"];
    assert.deepEqual(content(messages, "comm_msg"), [{ comm_id: id, data: { b: 2 } }]);
    const caused = await tell("comm_msg", { comm_id: id, data: { answer: 42 } });
    assert.equal(content(caused, "stream")[0]!["text"], "heard 42\n");
    const closed = await outputsOf(kernel, "c.close()");
    assert.deepEqual(content(closed.messages, "comm_close"), [{ comm_id: id, data: {} }]);
  });

  it("comm.registerTarget accepts comms that the front end opens", async () => {
    await outputsOf(kernel, 'comm.registerTarget("mine", (c, data) => c.send({ twice: data.n * 2 }))');
    const caused = await tell("comm_open", { comm_id: "f1", target_name: "mine", data: { n: 21 } });
    assert.deepEqual(content(caused, "comm_msg"), [{ comm_id: "f1", data: { twice: 42 } }]);
  });

  it('the functions can also be imported from "assay/kernel"', async () => {
    const { displays } = await outputsOf(
      kernel,
      `import * as cell from "assay/kernel"
       cell.display({ "text/plain": "imported" }, { raw: true })
       if (![cell.clearOutput, cell.input, cell.comm.open, cell.comm.registerTarget].every((f) => typeof f === "function")) throw new Error("one is missing")`,
    );
    assert.deepEqual(displays, [{ "text/plain": "imported" }]);
  });

  for (const [title, bundle] of [
    ["a MIME bundle", '({ "text/markdown": "**me**" })'],
    ["a promise of a MIME bundle", 'Promise.resolve({ "text/markdown": "**me**" })'],
  ] as const) {
    it(`a value draws itself with Symbol.for("Jupyter.display") that returns ${title}`, async () => {
      const own = `({ [Symbol.for("Jupyter.display")]() { return ${bundle} } })`;
      const { messages } = await outputsOf(kernel, `display(${own}); ${own}`);
      const shown = [...content(messages, "display_data"), ...content(messages, "execute_result")];
      assert.deepEqual(
        shown.map(({ data }) => (data as Record<string, unknown>)["text/markdown"]),
        ["**me**", "**me**"],
      );
    });
  }

  it('display and newDisplay of "tslab" work as in tslab', async () => {
    const { messages } = await outputsOf(
      kernel,
      `import { display as show, newDisplay } from "tslab"
       show.html("<i>h</i>")
       const d = newDisplay()
       d.text("first")
       d.text("second")`,
    );
    const shown = content(messages, "display_data");
    assert.equal((shown[0]!["data"] as Record<string, unknown>)["text/html"], "<i>h</i>");
    const [changed] = content(messages, "update_display_data");
    assert.deepEqual(shown[1]!["data"], { "text/plain": "first" });
    assert.deepEqual(changed!["data"], { "text/plain": "second" });
    assert.deepEqual(changed!["transient"], shown[1]!["transient"]);
  });

  it("the value of the last expression is the result", async () => {
    assert.deepEqual((await outputsOf(kernel, "const six = 6\nsix * 7")).results, ["42"]);
  });

  for (const code of ["undefined", "void 0", "const quiet = 1", "if (true) {}"]) {
    it(`the cell "${code}" shows nothing`, async () => {
      const { reply, results } = await outputsOf(kernel, code);
      assert.equal(reply.status, "ok");
      assert.deepEqual(results, []);
    });
  }
});

describe("the contract of the kernelspec", () => {
  it("assay install --prefix DIR writes a spec named assay for Jupyter", () => {
    const prefix = mkdtempSync(join(tmpdir(), "assay-"));
    try {
      const { status, stderr } = assay(["install", "--prefix", prefix]);
      assert.equal(status, 0, stderr);
      const file = join(prefix, "share/jupyter/kernels/assay/kernel.json");
      const spec = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
      assert.equal(spec["language"], "typescript");
      assert.equal(spec["interrupt_mode"], "message");
      const [node, ...rest] = spec["argv"] as string[];
      assert.ok(isAbsolute(node!), node);
      assert.ok(rest.includes("{connection_file}"));
    } finally {
      rmSync(prefix, { recursive: true });
    }
  });
});

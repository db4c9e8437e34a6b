import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type KernelClient, startKernel } from "../../../kernel/client/index.js";
import type { Message } from "../../../kernel/protocol/message.js";
import { outputsOf } from "../../support/outputs.js";

describe("session", () => {
  let folder: string;
  let kernel: KernelClient;
  const run = (code: string) => outputsOf(kernel, code);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "assay-session-"));
    kernel = await startKernel({ cwd: folder, env: { ASSAY_TEST: "passed on" } });
  });
  after(async () => {
    await kernel.dispose();
    rmSync(folder, { recursive: true });
  });

  describe("results", () => {
    const cells: [string, string[]][] = [
      ["undefined", []],
      ["let quiet = 1", []],
      ["null", ["null"]],
      ["false", ["false"]],
      ["await Promise.resolve(3)", ["3"]],
      ["process.env.ASSAY_TEST", ["passed on"]],
      ["display('shown once')", []],
    ];
    for (const [code, expected] of cells) {
      it(`of ${code} ${expected.length === 0 ? "are not shown" : "are shown"}`, async () => {
        assert.deepEqual((await run(code)).results, expected);
      });
    }
  });

  describe("standard streams", () => {
    it("keep the order of prints, displays and child processes", async () => {
      const { messages } = await run(`
        console.log("1");
        display({ "text/plain": "2" }, { raw: true });
        require("node:child_process").execSync("echo 3", { stdio: "inherit" });
        console.error("4");
        display("5");
        console.log("6");
        "7"`);
      const shown = messages
        .filter(({ header }) => header.msg_type !== "status" && header.msg_type !== "execute_input")
        .map(({ content }) => content["text"] ?? (content["data"] as Record<string, unknown>)["text/plain"]);
      assert.deepEqual(shown, ["1\n", "2", "3\n", "4\n", "5", "6\n", "7"]);
    });

    it("carry bytes that are cut inside a character", async () => {
      const { stdout } = await run(
        "const bytes = Buffer.from('é😀'); for (const byte of bytes) process.stdout.write(Buffer.of(byte))",
      );
      assert.equal(stdout, "é😀");
    });

    it("show what native code writes to the descriptors", async () => {
      const code = "require('node:fs').writeSync(1, 'out'); require('node:fs').writeSync(2, 'err')";
      const { stdout, stderr } = await run(code);
      assert.deepEqual([stdout, stderr], ["out", "err"]);
    });

    it("survive being ended", async () => {
      await run("process.stdout.end('last')");
      assert.equal((await run("console.log('still here')")).stdout, "still here\n");
    });

    it("end with a notice when a cell prints without end", async () => {
      const { stdout } = await run(
        "const block = 'x'.repeat(2 ** 20); for (let i = 0; i < 40; i++) console.log(block)",
      );
      assert.ok(stdout.length < 34 * 2 ** 20);
      assert.match(stdout, /more than 32 million characters; the rest is not shown/);
    });

    for (const [what, start] of [
      ["a timer", "setTimeout(() => console.log('late'), 30)"],
      [
        "a promise after a timer",
        "void (async () => { await new Promise((r) => setTimeout(r, 30)); await null; console.log('late') })()",
      ],
      [
        "node:timers/promises",
        "const { setTimeout: sleep } = await import('node:timers/promises'); void sleep(30).then(() => console.log('late'))",
      ],
    ] as const) {
      it(`put late output of ${what} under the cell that started it`, async () => {
        const late: Message[] = [];
        const stop = kernel.onMessage((channel, message) => {
          if (channel === "iopub" && message.content["text"] === "late\n") late.push(message);
        });
        const { messages } = await run(start);
        const next = await run("await new Promise((resolve) => setTimeout(resolve, 90)); console.log('own')");
        stop();
        assert.equal(next.stdout, "own\n");
        assert.equal(late[0]?.parent_header.msg_id, messages[0]?.parent_header.msg_id);
      });
    }
  });

  describe("errors", () => {
    const textOf = async (code: string) => {
      const { reply, errors } = await run(code);
      assert.equal(reply.status, "error");
      assert.deepEqual(errors[0]?.["traceback"], reply.traceback);
      return stripVTControlCharacters(reply.traceback!.join("\n"));
    };

    it("stand at the line of the user's cell, with no frame of ours", async () => {
      const text = await textOf(
        "const a: number = 1;\n\nfunction fail(): never {\n  throw new RangeError('too far');\n}\nfail()",
      );
      assert.match(text, /^RangeError: too far/);
      assert.match(text, /> 4 \| {3}throw new RangeError/);
      assert.match(text, /at fail \(\[\d+\]:4:9\)\n {4}at \[\d+\]:6:1$/);
      assert.doesNotMatch(text, /node:|kernel\//);
    });

    it("of the library show its message and the user's line, and none of our frames or causes", async () => {
      const text = await textOf('import { loadModel } from "assay";\nawait loadModel("no-such.onnx");');
      assert.match(text, /^AssayError: .*no-such\.onnx/);
      assert.match(text, /> 2 \| await loadModel/);
      assert.doesNotMatch(text, /dist|node:|Caused by/);
    });

    it("show causes, members of an AggregateError, and values that are no errors", async () => {
      assert.match(
        await textOf("throw new Error('outer', { cause: new TypeError('inner') })"),
        /Caused by TypeError: inner/,
      );
      const members = await textOf("throw new AggregateError([new Error('first'), 2], 'many')");
      assert.match(members, /Error 1 of 2: Error: first[\s\S]*Error 2 of 2: Thrown: 2/);
      assert.equal(await textOf("throw { reason: 1 }"), "Thrown: { reason: 1 }");
      assert.match(
        await textOf("throw new Proxy({}, { getPrototypeOf() { throw new Error('trap') } })"),
        /cannot be shown \(trap\)/,
      );
    });

    it("in the syntax name line and column", async () => {
      assert.match(
        await textOf("let ok = 1\nconst = 2"),
        /^SyntaxError: .*\nat line 2, column 7\nconst = 2\n {6}\^/,
      );
    });

    it("that nobody awaits are shown, and the session goes on", async () => {
      const { stderr, reply } = await run(
        "setTimeout(() => { throw new Error('in a timer') }, 1); Promise.reject(new Error('rejected')); await new Promise((r) => setTimeout(r, 50))",
      );
      assert.equal(reply.status, "ok");
      assert.match(stderr, /Uncaught .*in a timer/);
      assert.match(stderr, /Uncaught .*rejected/);
    });

    it("keep the assignments made before them", async () => {
      await run("let before = 1; throw new Error('stop'); before = 2");
      assert.deepEqual((await run("before")).results, ["1"]);
    });
  });

  describe("an end of the session", () => {
    const ends: [string, RegExp][] = [
      ["process.exit(3)", /called process\.exit\(3\)/],
      ["process.abort()", /SIGABRT/],
      ["process.kill(process.pid, 'SIGKILL')", /was killed/],
    ];
    for (const [code, reason] of ends) {
      it(`by ${code} is an error of the cell, and the kernel goes on`, async () => {
        await run("let gone = 1; console.log('before')");
        const { reply, errors, stdout } = await run(`console.log("last words"); ${code}`);
        assert.equal(reply.ename, "SessionEnded");
        assert.match(reply.evalue!, reason);
        assert.equal(errors.length, 1);
        assert.equal(stdout, "last words\n");
        assert.deepEqual((await run("typeof gone")).results, ["undefined"]);
      });
    }

    it("by too much memory says so", async () => {
      const small = await startKernel({ cwd: folder, env: { NODE_OPTIONS: "--max-old-space-size=40" } });
      const { reply } = await outputsOf(
        small,
        "const all = []; while (true) all.push(new Array(1e5).fill(all.length))",
      );
      assert.match(reply.evalue ?? "", /more memory/);
      assert.deepEqual((await outputsOf(small, "1 + 1")).results, ["2"]);
      await small.dispose();
    });
  });

  describe("display", () => {
    it("updates what a handle or an id names", async () => {
      const { messages } = await run("const h = display('one', { displayId: 'd1' }); h.update('two')");
      const shown = messages.filter(({ header }) => header.msg_type.endsWith("display_data"));
      assert.deepEqual(
        shown.map(({ header, content }) => [
          header.msg_type,
          (content["data"] as Record<string, unknown>)["text/plain"],
        ]),
        [
          ["display_data", "one"],
          ["update_display_data", "two"],
        ],
      );
      for (const { content } of shown) assert.deepEqual(content["transient"], { display_id: "d1" });
    });

    it("refuses a raw value that is no MIME bundle", async () => {
      assert.match((await run("display(3, { raw: true })")).reply.evalue!, /must be a MIME bundle/);
    });

    it("asks a value how it wants to be drawn", async () => {
      const { displays } = await run(
        "display({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<i>mine</i>' }) })",
      );
      assert.equal(displays[0]?.["text/html"], "<i>mine</i>");
    });

    it("clears what was shown", async () => {
      const { messages } = await run("clearOutput({ wait: true })");
      const cleared = messages.find(({ header }) => header.msg_type === "clear_output");
      assert.deepEqual(cleared?.content, { wait: true });
    });

    it("of the real tslab package arrives here", async () => {
      const { displays } = await run(
        "import { display as show, newDisplay } from 'tslab'; show.html('<b>t</b>'); const d = newDisplay(); d.text('a'); d.text('b')",
      );
      assert.deepEqual(displays, [{ "text/html": "<b>t</b>" }, { "text/plain": "a" }, { "text/plain": "b" }]);
    });
  });

  describe("input", () => {
    it("asks the client of the cell", async () => {
      const asked: unknown[] = [];
      const { results } = await outputsOf(
        kernel,
        "[await input('name? '), await input('key? ', { password: true })].join('/')",
        {
          onInput: async (prompt, password) => {
            asked.push([prompt, password]);
            return prompt.slice(0, -2);
          },
        },
      );
      assert.deepEqual(results, ["name/key"]);
      assert.deepEqual(asked, [
        ["name? ", false],
        ["key? ", true],
      ]);
    });

    it("says so when the client takes none", async () => {
      assert.match((await run("await input('name? ')")).reply.evalue!, /takes no input/);
    });
  });

  describe("modules", () => {
    it("resolve from the notebook's folder, and ours from everywhere", async () => {
      mkdirSync(join(folder, "node_modules/local-package"), { recursive: true });
      writeFileSync(join(folder, "node_modules/local-package/index.js"), "module.exports = { answer: 42 }");
      const { results } = await run(`
        import { AssayError } from "assay";
        import { display as draw } from "assay/kernel";
        const { answer } = require("local-package");
        [answer, typeof AssayError, typeof draw, typeof require("tslab").display, __dirname === process.cwd()].join()`);
      assert.deepEqual(results, ["42,function,function,object,true"]);
    });
  });

  describe("comms", () => {
    it("opened by a cell carry messages and buffers both ways", async () => {
      const { messages } = await run(
        "const c = comm.open('widget', { a: 1 }); let got; c.onMessage((m) => { got = [m.data.b, m.buffers[0].length]; c.send({ back: true }, { buffers: [new Uint8Array(3)] }) }); c.id",
      );
      const opened = messages.find(({ header }) => header.msg_type === "comm_open")!;
      assert.deepEqual([opened.content["target_name"], opened.content["data"]], ["widget", { a: 1 }]);
      const comms = (await kernel.request("shell", "comm_info_request", { target_name: "widget" })).content[
        "comms"
      ];
      const id = opened.content["comm_id"] as string;
      assert.deepEqual(comms, { [id]: { target_name: "widget" } });
      const answer = new Promise<Message>((resolve) => {
        const stop = kernel.onMessage((_channel, message) => {
          if (message.header.msg_type !== "comm_msg") return;
          stop();
          resolve(message);
        });
      });
      const header = {
        ...opened.header,
        msg_id: "from-front-end",
        msg_type: "comm_msg",
        session: "front-end",
      };
      const content = { comm_id: id, data: { b: 2 } };
      await kernel.send("shell", {
        header,
        parent_header: {},
        metadata: {},
        content,
        buffers: [new Uint8Array(5)],
      });
      const { content: back, buffers, parent_header } = await answer;
      assert.deepEqual(
        [back["data"], buffers[0]?.length, parent_header.msg_id],
        [{ back: true }, 3, "from-front-end"],
      );
      assert.deepEqual((await run("got.join()")).results, ["2,5"]);
    });

    it("of a target that nobody registered are closed again", async () => {
      const closed = new Promise<Message>((resolve) => {
        const stop = kernel.onMessage((_channel, message) => {
          if (message.header.msg_type !== "comm_close") return;
          stop();
          resolve(message);
        });
      });
      const { messages } = await run("1");
      const header = { ...messages[0]!.header, msg_id: "open", msg_type: "comm_open" };
      const content = { comm_id: "c9", target_name: "nobody", data: {} };
      await kernel.send("shell", { header, parent_header: {}, metadata: {}, content, buffers: [] });
      assert.equal((await closed).content["comm_id"], "c9");
    });
  });
});

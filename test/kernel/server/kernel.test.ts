import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dealer } from "zeromq";
import { type KernelClient, startKernel } from "../../../kernel/client/index.js";
import { endpoint, readConnectionFile } from "../../../kernel/protocol/connection.js";
import { checkSent } from "../../../kernel/protocol/content.js";
import { newHeader } from "../../../kernel/protocol/header.js";
import type { Message } from "../../../kernel/protocol/message.js";
import { encode } from "../../../kernel/protocol/wire.js";
import { outputsOf } from "../../support/outputs.js";

const state = (message: Message) => message.content["execution_state"];

/** Whether a process runs: one that has ended and that nobody has asked about yet does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Starts a cell that never ends; `isOn` when it runs. */
function spin(kernel: KernelClient) {
  let tell = (): void => undefined;
  const isOn = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const spinning = kernel.execute("console.log('on'); while (true) {}", {
    onOutput: ({ header }) => {
      if (header.msg_type === "stream") tell();
    },
  });
  return { spinning, isOn };
}

describe("kernel", () => {
  let kernel: KernelClient;

  before(async () => {
    kernel = await startKernel({ cwd: tmpdir() });
  });
  after(() => kernel.dispose());

  /** Every message of any channel that answers this request, until it is idle and replied to. */
  async function exchange(channel: "shell" | "control", type: string, content: Record<string, unknown>) {
    const message: Message = {
      header: newHeader(type, "test"),
      parent_header: {},
      metadata: {},
      content,
      buffers: [],
    };
    const seen: [string, Message][] = [];
    await new Promise<void>((resolve) => {
      const stop = kernel.onMessage((from, received) => {
        if (received.parent_header.msg_id !== message.header.msg_id) return;
        checkSent(received.header.msg_type, received.content);
        seen.push([from, received]);
        const idle = seen.some(([, one]) => state(one) === "idle");
        if (!idle || !seen.some(([where]) => where === channel)) return;
        stop();
        resolve();
      });
      void kernel.send(channel, message);
    });
    return seen;
  }

  const requests: ["shell" | "control", string, Record<string, unknown>][] = [
    ["shell", "kernel_info_request", {}],
    ["control", "kernel_info_request", {}],
    ["shell", "execute_request", { code: "1" }],
    ["shell", "complete_request", { code: "Ma", cursor_pos: 2 }],
    ["shell", "inspect_request", { code: "Math", cursor_pos: 4, detail_level: 0 }],
    ["shell", "is_complete_request", { code: "1 +" }],
    ["shell", "history_request", { hist_access_type: "tail", n: 1, output: false, raw: true }],
    ["shell", "comm_info_request", {}],
    ["shell", "connect_request", {}],
    ["control", "interrupt_request", {}],
    ["control", "debug_request", { command: "initialize" }],
    ["control", "restart_session_request", {}],
  ];
  for (const [channel, type, content] of requests) {
    it(`answers ${type} on ${channel}: busy, one reply, idle`, async () => {
      const seen = await exchange(channel, type, content);
      const published = seen.filter(([from]) => from === "iopub").map(([, message]) => message);
      assert.equal(state(published[0]!), "busy");
      assert.equal(state(published.at(-1)!), "idle");
      const replies = seen.filter(([from]) => from === channel);
      assert.deepEqual(
        replies.map(([, { header }]) => header.msg_type),
        [type.replace("_request", "_reply")],
      );
    });
  }

  it("answers content of the wrong shape, and unknown requests, with an error that says why", async () => {
    for (const [type, content, why] of [
      ["complete_request", { code: 3, cursor_pos: 0 }, /"code" should be a string, got 3/],
      ["history_request", { hist_access_type: "all" }, /"tail"/],
      ["execute_request", {}, /"code" should be a string, got nothing/],
      ["usage_request", {}, /does not serve usage_request/],
      ["debug_request", {}, /no debugger/],
    ] as const) {
      const { content: reply } = await kernel.request("shell", type, content);
      assert.equal(reply["status"], "error");
      assert.match(String(reply["evalue"]), why);
    }
  });

  it("describes itself as a TypeScript kernel of protocol 5.4", async () => {
    const { content } = await kernel.request("shell", "kernel_info_request", {});
    const language = content["language_info"] as Record<string, unknown>;
    assert.equal(content["protocol_version"], "5.4");
    assert.deepEqual([language["name"], language["file_extension"]], ["typescript", ".ts"]);
  });

  it("aborts the cells that were queued behind one that fails, unless it is told not to", async () => {
    const together = await Promise.all(["throw 1", "2", "3"].map((code) => kernel.execute(code)));
    assert.deepEqual(
      together.map(({ status }) => status),
      ["error", "aborted", "aborted"],
    );
    assert.equal((await kernel.execute("4")).status, "ok");
    const going = [kernel.execute("throw 1", { stopOnError: false }), kernel.execute("2")];
    assert.deepEqual(
      (await Promise.all(going)).map(({ status }) => status),
      ["error", "ok"],
    );
  });

  it("shows nothing of a silent cell and does not count it", async () => {
    const { reply } = await outputsOf(kernel, "1");
    const silent = await outputsOf(kernel, "console.log('x'); display('y'); let set = 5; 6", {
      silent: true,
    });
    assert.deepEqual(
      silent.messages.map(({ header }) => header.msg_type),
      ["status", "status"],
    );
    const { reply: next, results } = await outputsOf(kernel, "set");
    assert.deepEqual(results, ["5"]);
    assert.equal(next.execution_count, reply.execution_count + 1);
  });

  it("evaluates user expressions after the cell, each with its own outcome", async () => {
    const { content } = await kernel.request("shell", "execute_request", {
      code: "let base = 20",
      user_expressions: { twice: "base * 2", wrong: "missing" },
    });
    const { twice, wrong } = content["user_expressions"] as Record<string, Record<string, unknown>>;
    assert.deepEqual(twice, { status: "ok", data: { "text/plain": "40" }, metadata: {} });
    assert.deepEqual([wrong?.["status"], wrong?.["ename"]], ["error", "ReferenceError"]);
  });

  it("keeps inputs and outputs as history", async () => {
    await kernel.restart();
    for (const code of ["40 + 2", "let quiet"]) await kernel.execute(code);
    const { content } = await kernel.request("shell", "history_request", {
      hist_access_type: "tail",
      n: 2,
      output: true,
      raw: true,
    });
    assert.deepEqual(content["history"], [
      [1, 1, ["40 + 2", "42"]],
      [1, 2, ["let quiet", null]],
    ]);
  });

  it("answers while a cell spins, and still looks busy afterwards", async () => {
    const { spinning, isOn } = spin(kernel);
    await isOn;
    let last: unknown;
    const stop = kernel.onMessage((channel, message) => {
      if (channel === "iopub" && message.header.msg_type === "status") last = state(message);
    });
    for (const [channel, type, content] of requests.slice(3, 9))
      await exchange(channel as "shell", type, content);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(last, "busy");
    stop();
    await kernel.interrupt();
    assert.equal((await spinning).ename, "KeyboardInterrupt");
  });

  it("completes by type while a cell spins", async () => {
    await kernel.execute(
      "interface Point { across: number; down: number }\nlet corner: Point = { across: 1, down: 2 }",
    );
    const { spinning, isOn } = spin(kernel);
    await isOn;
    const { content } = await kernel.request("shell", "complete_request", {
      code: "'😀', corner.do",
      cursor_pos: 14,
    });
    assert.deepEqual(
      [content["matches"], content["cursor_start"], content["cursor_end"]],
      [["down"], 12, 14],
    );
    await kernel.interrupt();
    await spinning;
  });

  it("shows a page about a name", async () => {
    const { content } = await kernel.request("shell", "execute_request", { code: "Math.max?" });
    const [page] = content["payload"] as { source: string; data: Record<string, string> }[];
    assert.equal(page?.source, "page");
    assert.match(page.data["text/plain"]!, /max\(\.\.\.values: number\[\]\): number/);
  });

  it("takes SIGINT without harm", async () => {
    const { results } = await outputsOf(kernel, "let alive = 1; [process.pid, process.ppid].join()");
    for (const pid of results[0]!.split(",")) process.kill(Number(pid), "SIGINT");
    assert.deepEqual((await outputsOf(kernel, "alive")).results, ["1"]);
  });

  it("drops what is not signed with its key or is no message, and goes on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "assay-strangers-"));
    const { TMPDIR } = process.env;
    process.env["TMPDIR"] = folder;
    const attacked = await startKernel({ cwd: tmpdir() });
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
    const connection = readConnectionFile(join(folder, readdirSync(folder)[0]!, "connection.json"));
    const message: Message = {
      header: newHeader("shutdown_request", "stranger"),
      parent_header: {},
      metadata: {},
      content: { restart: false },
      buffers: [],
    };
    for (const name of ["shell", "control", "stdin", "hb"] as const) {
      const stranger = new Dealer({ linger: 200 });
      stranger.connect(endpoint(connection, name));
      await stranger.send(encode(message, "another key"));
      await stranger.send(["", "<IDS|MSG>", "", "{", "{}", "{}", "{}"]);
      await stranger.send(["nothing of the kind"]);
      await stranger.send([Buffer.alloc(8 * 2 ** 20)]);
      await stranger.send(Array<string>(5000).fill("x"));
      stranger.close();
    }
    assert.deepEqual((await outputsOf(attacked, "1 + 1")).results, ["2"]);
    await attacked.dispose();
    rmSync(folder, { recursive: true });
  });

  it("ends when asked, although a cell spins, and takes its processes along", async () => {
    const spinning = await startKernel({ cwd: tmpdir() });
    const pids = (await outputsOf(spinning, "[process.pid, process.ppid].join()")).results[0]!.split(",").map(
      Number,
    );
    const cell = spinning.execute("while (true) {}");
    cell.catch(() => {});
    const { content } = await spinning.request("control", "shutdown_request", { restart: true });
    assert.deepEqual(content, { status: "ok", restart: true });
    assert.deepEqual(await spinning.exited, { code: 0, signal: null });
    await assert.rejects(cell, { code: "KERNEL_DIED" });
    // They end with the supervisor, in their own time; if they never do, the time-out of the test tells.
    while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 10));
    await spinning.dispose();
  });
});

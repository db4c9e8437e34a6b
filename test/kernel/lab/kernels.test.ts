import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { WebSocket } from "ws";
import {
  type ChannelMessage,
  decodeDefault,
  decodeV1,
  encodeDefault,
  encodeV1,
  v1Protocol,
} from "../../../kernel/lab/kernels/framing.js";
import type { SessionModel } from "../../../kernel/lab/kernels/sessions.js";
import { type LabFixture, labFixture } from "./lab-fixture.js";

const executeRequest = (
  session: string,
  code: string,
  buffers: readonly Uint8Array[] = [],
): ChannelMessage => ({
  channel: "shell",
  message: {
    header: { msg_id: "1", session, username: "", date: "", msg_type: "execute_request", version: "5.4" },
    parent_header: {},
    metadata: { cellId: "a" },
    content: { code },
    buffers,
  },
});

describe("the lab's kernels and sessions", () => {
  let fixture: LabFixture;
  beforeEach(async () => {
    fixture = await labFixture();
  });
  afterEach(() => fixture.dispose());

  const open = async (path: string, kernel: unknown = { name: "assay" }) => {
    const response = await fixture.request("POST", "/api/sessions", {
      path,
      name: path,
      type: "notebook",
      kernel,
    });
    assert.equal(response.status, 201);
    return (await response.json()) as SessionModel;
  };
  const json = async (path: string) => (await fixture.request("GET", path)).json();

  /** A channels socket and everything that arrives on it. */
  const connect = async (kernelId: string, protocol?: string) => {
    const address = `ws://127.0.0.1:${fixture.lab.port}/api/kernels/${kernelId}/channels`;
    const headers = { Authorization: `token ${fixture.lab.token}` };
    const socket = new WebSocket(address, protocol ? [protocol] : [], { headers });
    const received: ChannelMessage[] = [];
    let wake = () => {};
    socket.on("message", (data: Buffer, isBinary) => {
      received.push(protocol ? decodeV1(data) : decodeDefault(data, isBinary));
      wake();
    });
    await once(socket, "open");
    const until = async (condition: (items: readonly ChannelMessage[]) => boolean) => {
      while (!condition(received)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { socket, received, until };
  };
  const isIdle = (items: readonly ChannelMessage[]) =>
    items.some(({ message }) => message.content["execution_state"] === "idle");

  it("offers one kernel, for TypeScript", async () => {
    const specs = (await json("/api/kernelspecs")) as {
      default: string;
      kernelspecs: Record<string, { spec: { language: string; display_name: string } }>;
    };
    assert.equal(specs.default, "assay");
    assert.deepEqual(Object.keys(specs.kernelspecs), ["assay"]);
    assert.equal(specs.kernelspecs["assay"]!.spec.display_name, "Assay (TypeScript)");
    assert.equal(specs.kernelspecs["assay"]!.spec.language, "typescript");
  });

  it("starts one kernel when the same notebook is opened twice at once", async () => {
    const [first, second] = await Promise.all([open("a.ipynb"), open("a.ipynb")]);
    assert.equal(first.kernel.id, second.kernel.id);
    assert.equal(fixture.kernels.length, 1);
    assert.equal(((await json("/api/sessions")) as unknown[]).length, 1);
  });

  it("runs the kernel in the notebook's folder", async () => {
    mkdirSync(join(fixture.root, "deep/folder"), { recursive: true });
    await open("deep/folder/a.ipynb");
    assert.ok(fixture.kernels[0]!.options.cwd.endsWith("root/deep/folder"));
  });

  for (const protocol of [v1Protocol, undefined]) {
    it(`carries messages and buffers both ways ${protocol ? "in v1 framing" : "in default framing"}`, async () => {
      const { kernel } = await open("a.ipynb");
      const { socket, received, until } = await connect(kernel.id, protocol);
      assert.equal(socket.protocol, protocol ?? "");
      const item = executeRequest("page", "1 + 1 // ü", [new Uint8Array([1, 0, 255])]);
      socket.send(protocol ? encodeV1(item) : encodeDefault(item));
      await until(isIdle);
      const stream = received.find(({ message }) => message.header.msg_type === "stream")!;
      assert.equal(stream.channel, "iopub");
      assert.equal(stream.message.content["text"], "1 + 1 // ü");
      assert.deepEqual([...stream.message.buffers[0]!], [1, 0, 255]);
      assert.deepEqual(fixture.kernels[0]!.received[0]!.message.metadata, { cellId: "a" });
      socket.close();
    });
  }

  it("sends a reply to the page that asked, and outputs to all", async () => {
    const { kernel } = await open("a.ipynb");
    const [asking, watching] = [await connect(kernel.id, v1Protocol), await connect(kernel.id, v1Protocol)];
    asking.socket.send(encodeV1(executeRequest("page one", "x")));
    await Promise.all([asking.until(isIdle), watching.until(isIdle)]);
    const types = ({ received }: typeof asking) => received.map(({ message }) => message.header.msg_type);
    assert.ok(types(asking).includes("execute_reply"));
    assert.deepEqual(types(watching), ["status", "stream", "status"]);
    asking.socket.close();
    watching.socket.close();
  });

  it("closes a socket that sends something else, and goes on", async () => {
    const { kernel } = await open("a.ipynb");
    const { socket } = await connect(kernel.id, v1Protocol);
    socket.send(Buffer.from("nonsense"));
    const [code] = await once(socket, "close");
    assert.equal(code, 1003);
    assert.equal((await fixture.request("GET", `/api/kernels/${kernel.id}`)).status, 200);
  });

  it("interrupts, restarts and ends a kernel", async () => {
    const { kernel, id } = await open("a.ipynb");
    assert.equal((await fixture.request("POST", `/api/kernels/${kernel.id}/interrupt`)).status, 204);
    assert.equal((await fixture.request("POST", `/api/kernels/${kernel.id}/restart`)).status, 200);
    assert.equal((await fixture.request("DELETE", `/api/sessions/${id}`)).status, 204);
    assert.deepEqual(fixture.kernels[0]!.calls, ["interrupt", "restart", "dispose"]);
    assert.deepEqual(await json("/api/kernels"), []);
    assert.equal((await fixture.request("GET", `/api/sessions/${id}`)).status, 404);
  });

  it("tells the page when the kernel dies, and forgets its session", async () => {
    const { kernel } = await open("a.ipynb");
    const { received, socket } = await connect(kernel.id, v1Protocol);
    fixture.kernels[0]!.die(1);
    await once(socket, "close");
    assert.equal(received.at(-1)!.message.content["execution_state"], "dead");
    assert.deepEqual(await json("/api/sessions"), []);
  });

  it("follows a renamed notebook and replaces its kernel on demand", async () => {
    const { id, kernel } = await open("a.ipynb");
    const patch = async (body: unknown) =>
      (await (await fixture.request("PATCH", `/api/sessions/${id}`, body)).json()) as SessionModel;
    const renamed = await patch({ path: "b.ipynb" });
    assert.deepEqual([renamed.path, renamed.kernel.id], ["b.ipynb", kernel.id]);
    const replaced = await patch({ kernel: { name: "assay" } });
    assert.notEqual(replaced.kernel.id, kernel.id);
    assert.deepEqual(fixture.kernels[0]!.calls, ["dispose"]);
  });

  it("ends all kernels with itself", async () => {
    await open("a.ipynb");
    await open("b.ipynb");
    await fixture.lab.dispose();
    assert.deepEqual(
      fixture.kernels.map(({ calls }) => calls),
      [["dispose"], ["dispose"]],
    );
  });
});

describe("a kernel that cannot start", () => {
  it("is reported as dead to the page that waits for it", async () => {
    const fixture = await labFixture({ startError: new Error("no memory for a test") });
    const response = await fixture.request("POST", "/api/kernels", {});
    const { id } = (await response.json()) as { id: string };
    const headers = { Authorization: `token ${fixture.lab.token}` };
    const address = `ws://127.0.0.1:${fixture.lab.port}/api/kernels/${id}/channels`;
    const socket = new WebSocket(address, { headers });
    const refused = new Promise<void>((resolve) => socket.on("unexpected-response", () => resolve()));
    const told = once(socket, "message").then(([data]) => {
      const { message } = decodeDefault(data as Buffer, false);
      assert.equal(message.content["execution_state"], "dead");
    });
    // Whether the socket comes before or after the failure, it does not hang.
    await Promise.race([told, refused]);
    assert.deepEqual(await (await fixture.request("GET", "/api/kernels")).json(), []);
    await fixture.dispose();
  });
});

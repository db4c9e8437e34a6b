/** The WebSocket of one open notebook: forwards messages between the front end and its kernel. */
import { randomUUID } from "node:crypto";
import type { RawData, WebSocket } from "ws";
import type { KernelClient } from "../../client/types.js";
import type { Message } from "../../protocol/message.js";
import {
  type ChannelMessage,
  decodeDefault,
  decodeV1,
  encodeDefault,
  encodeV1,
  v1Protocol,
} from "./framing.js";
import type { LabKernel } from "./kernels.js";

/** Connects a front end's socket with a started kernel, until either ends. */
export function connectChannels(socket: WebSocket, kernel: LabKernel, client: KernelClient): void {
  // Several pages share one kernel: replies go only to the page that asked, iopub to all.
  const sessions = new Set<string>();
  const stop = client.onMessage((channel, message) => {
    const asker = message.parent_header.session;
    if (channel === "iopub" || asker === undefined || sessions.has(asker)) send(socket, { channel, message });
  });
  void client.exited.then(() => reportDead(socket));
  kernel.connections += 1;
  socket.on("message", (data: RawData, isBinary: boolean) => {
    let item: ChannelMessage;
    try {
      const frame = asBuffer(data);
      item = socket.protocol === v1Protocol ? decodeV1(frame) : decodeDefault(frame, isBinary);
    } catch {
      // A front end that sends no messages is broken beyond what an answer could mend.
      socket.close(1003, "Not a Jupyter message.");
      return;
    }
    sessions.add(item.message.header.session);
    client.send(item.channel, item.message).catch(() => socket.close(1011, "The kernel does not answer."));
  });
  socket.on("close", () => {
    kernel.connections -= 1;
    stop();
  });
}

/** Tells the front end that the kernel has ended, and closes its socket. */
export function reportDead(socket: WebSocket): void {
  send(socket, { channel: "iopub", message: deadStatus() });
  socket.close(1001, "The kernel has ended.");
}

function send(socket: WebSocket, item: ChannelMessage): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.send(socket.protocol === v1Protocol ? encodeV1(item) : encodeDefault(item));
}

const asBuffer = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

/** What Jupyter's own server says when a kernel's process has ended. */
const deadStatus = (): Message => ({
  header: {
    msg_id: randomUUID(),
    session: randomUUID(),
    username: "lab",
    date: new Date().toISOString(),
    msg_type: "status",
    version: "5.4",
  },
  parent_header: {},
  metadata: {},
  content: { execution_state: "dead" },
  buffers: [],
});

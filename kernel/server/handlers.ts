/** The table of handlers: one function per type of request; each returns the content of its reply. */
import { SOCKETS } from "../protocol/connection.js";
import { parseRequest, type RequestType } from "../protocol/content.js";
import type { Kernel } from "./kernel.js";
import { kernelInfo } from "./kernel-info.js";
import { errorReply, type Reply, type Request } from "./request.js";

/** Answers one request; a message that has no reply returns nothing. */
export type Handler = (kernel: Kernel, request: Request) => Reply | undefined | Promise<Reply | undefined>;

const contentOf = <Type extends RequestType>(type: Type, request: Request) =>
  parseRequest(type, request.message.content);

const comm =
  (type: "comm_open" | "comm_msg" | "comm_close"): Handler =>
  (kernel, request) => {
    contentOf(type, request);
    kernel.executor.comm(type, request);
    return undefined;
  };

/** Every request but execute_request, which waits in the executor's queue. */
export const handlers = {
  kernel_info_request: () => kernelInfo(),
  connect_request: ({ sockets }) => ({
    status: "ok",
    ...Object.fromEntries(SOCKETS.map((name) => [`${name}_port`, sockets.connection.ports[name]])),
  }),
  complete_request: ({ languages, executor }, request) => {
    const { code, cursor_pos } = contentOf("complete_request", request);
    return languages.complete(code, cursor_pos, executor.declared);
  },
  inspect_request: ({ languages }, request) => {
    const { code, cursor_pos, detail_level } = contentOf("inspect_request", request);
    return languages.inspect(code, cursor_pos, detail_level === 1 ? 1 : 0);
  },
  is_complete_request: ({ languages }, request) =>
    languages.isComplete(contentOf("is_complete_request", request).code),
  history_request: ({ history }, request) => ({
    status: "ok",
    history: history.query(contentOf("history_request", request)),
  }),
  comm_info_request: ({ executor }, request) => ({
    status: "ok",
    comms: executor.comms.list(contentOf("comm_info_request", request).target_name),
  }),
  comm_open: comm("comm_open"),
  comm_msg: comm("comm_msg"),
  comm_close: comm("comm_close"),
  interrupt_request: ({ executor }) => {
    executor.interrupt();
    return { status: "ok" };
  },
  restart_session_request: ({ executor }) => {
    executor.restart();
    return { status: "ok" };
  },
  shutdown_request: (kernel, request) => {
    const { restart } = contentOf("shutdown_request", request);
    setImmediate(() => kernel.close());
    return { status: "ok", restart };
  },
  debug_request: () =>
    errorReply(new Error("Assay has no debugger yet; the kernel says so in kernel_info (debugger: false).")),
} satisfies Partial<Record<RequestType, Handler>>;

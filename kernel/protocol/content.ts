/** The content of every message that the kernel receives or sends, as one table of schemas. */
import { AssayError } from "../../lib/errors.js";
import {
  anything,
  flag,
  integer,
  list,
  oneOf,
  optional,
  record,
  type Shape,
  type ShapeOf,
  text,
} from "./schema.js";

const reply = { status: oneOf("ok", "error", "aborted") };
const failure = {
  ename: optional(text, ""),
  evalue: optional(text, ""),
  traceback: optional(list(text), []),
};
const mimeBundle = { data: record, metadata: record };

/** What a client may ask, with the defaults of the protocol for fields left out. */
export const requests = {
  kernel_info_request: {},
  execute_request: {
    code: text,
    silent: optional(flag, false),
    store_history: optional(flag, true),
    user_expressions: optional(record, {}),
    allow_stdin: optional(flag, true),
    stop_on_error: optional(flag, true),
  },
  inspect_request: { code: text, cursor_pos: integer, detail_level: optional(integer, 0) },
  complete_request: { code: text, cursor_pos: integer },
  is_complete_request: { code: text },
  history_request: {
    output: optional(flag, false),
    raw: optional(flag, true),
    hist_access_type: oneOf("range", "tail", "search"),
    session: optional(integer, 0),
    start: optional(integer, 0),
    stop: optional(integer, null),
    n: optional(integer, null),
    pattern: optional(text, "*"),
    unique: optional(flag, false),
  },
  comm_info_request: { target_name: optional(text, "") },
  comm_open: { comm_id: text, target_name: text, data: optional(record, {}) },
  comm_msg: { comm_id: text, data: optional(record, {}) },
  comm_close: { comm_id: text, data: optional(record, {}) },
  connect_request: {},
  interrupt_request: {},
  shutdown_request: { restart: optional(flag, false) },
  restart_session_request: {},
  debug_request: {},
  input_reply: { value: optional(text, "") },
} satisfies Record<string, Shape>;

/** What the kernel publishes and replies. The test client checks every message it receives against these. */
export const sent = {
  kernel_info_reply: {
    ...reply,
    protocol_version: text,
    implementation: text,
    implementation_version: text,
    language_info: record,
    banner: text,
    help_links: list(record),
  },
  execute_reply: { ...reply, ...failure, execution_count: integer },
  inspect_reply: { ...reply, ...failure, found: optional(flag, false), data: optional(record, {}) },
  complete_reply: { ...reply, ...failure, matches: optional(list(text), []) },
  is_complete_reply: { status: oneOf("complete", "incomplete", "invalid", "unknown") },
  history_reply: { ...reply, history: list(anything) },
  comm_info_reply: { ...reply, comms: record },
  connect_reply: { ...reply, shell_port: integer, iopub_port: integer, control_port: integer },
  interrupt_reply: reply,
  shutdown_reply: { ...reply, restart: flag },
  restart_session_reply: reply,
  debug_reply: { ...reply, ...failure },
  input_request: { prompt: text, password: flag },
  iopub_welcome: { subscription: text },
  status: { execution_state: oneOf("busy", "idle", "starting") },
  execute_input: { code: text, execution_count: integer },
  execute_result: { ...mimeBundle, execution_count: integer },
  display_data: { ...mimeBundle, transient: optional(record, {}) },
  update_display_data: { ...mimeBundle, transient: record },
  clear_output: { wait: flag },
  stream: { name: oneOf("stdout", "stderr"), text },
  error: { ename: text, evalue: text, traceback: list(text) },
  comm_open: { comm_id: text, target_name: text, data: record },
  comm_msg: { comm_id: text, data: record },
  comm_close: { comm_id: text, data: record },
} satisfies Record<string, Shape>;

/** The types of message that a client may send. */
export type RequestType = keyof typeof requests;

/** Content of a request, checked, with defaults filled in. */
export type RequestContent<Type extends RequestType> = ShapeOf<(typeof requests)[Type]>;

/** The types of message that the kernel sends. */
export type SentType = keyof typeof sent;

export const isRequestType = (type: string): type is RequestType => Object.hasOwn(requests, type);

/**
 * Checks the content of a request.
 *
 * @throws AssayError INVALID_MESSAGE naming the message type, the field and what was expected there.
 */
export function parseRequest<Type extends RequestType>(
  type: Type,
  content: Readonly<Record<string, unknown>>,
): RequestContent<Type> {
  return parseShape(requests[type], content, type) as RequestContent<Type>;
}

/** Checks what a kernel sent; for clients that do not trust it, such as the tests. */
export function checkSent(type: string, content: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(sent, type)) {
    throw new AssayError("INVALID_MESSAGE", `The kernel sent a message of the unknown type "${type}".`, {
      type,
    });
  }
  parseShape(sent[type as SentType], content, type);
}

function parseShape(shape: Shape, content: Readonly<Record<string, unknown>>, type: string): unknown {
  const parsed: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    const value = content[name];
    if (field.optional && (value === undefined || value === null)) parsed[name] = field.fallback;
    else if (field.is(value)) parsed[name] = value;
    else {
      const got = JSON.stringify(value)?.slice(0, 60) ?? "nothing";
      throw new AssayError("INVALID_MESSAGE", `${type}: "${name}" should be ${field.expected}, got ${got}.`, {
        type,
        field: name,
      });
    }
  }
  return parsed;
}

/** Runs cells through the kernel client and gathers what they showed; every message is checked on the way. */
import type { ExecuteOptions, ExecuteReply, KernelClient } from "../../kernel/client/index.js";
import { checkSent } from "../../kernel/protocol/content.js";
import type { Message } from "../../kernel/protocol/message.js";

/** All that one cell caused. */
export interface CellOutputs {
  readonly reply: ExecuteReply;
  readonly messages: readonly Message[];
  readonly stdout: string;
  readonly stderr: string;
  /** The text of each execute_result. */
  readonly results: readonly string[];
  /** The data of each display_data and update_display_data. */
  readonly displays: readonly Readonly<Record<string, unknown>>[];
  readonly errors: readonly Readonly<Record<string, unknown>>[];
}

/** Runs a cell to its end. */
export async function outputsOf(
  kernel: KernelClient,
  code: string,
  options: ExecuteOptions = {},
): Promise<CellOutputs> {
  const messages: Message[] = [];
  const reply = await kernel.execute(code, {
    ...options,
    onOutput: (message) => {
      checkSent(message.header.msg_type, message.content);
      messages.push(message);
      options.onOutput?.(message);
    },
  });
  checkSent("execute_reply", { ...reply });
  const contents = (type: string) =>
    messages.filter((message) => message.header.msg_type === type).map((message) => message.content);
  const printed = (name: string) =>
    contents("stream")
      .filter((content) => content["name"] === name)
      .map((content) => content["text"])
      .join("");
  const data = (type: string) => contents(type).map((content) => content["data"] as Record<string, unknown>);
  return {
    reply,
    messages,
    stdout: printed("stdout"),
    stderr: printed("stderr"),
    results: data("execute_result").map((bundle) => String(bundle["text/plain"])),
    displays: [...data("display_data"), ...data("update_display_data")],
    errors: contents("error"),
  };
}

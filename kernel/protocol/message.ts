/** A Jupyter message, as it travels between a client and the kernel (protocol 5.4). */
export interface Header {
  readonly msg_id: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly msg_type: string;
  readonly version: string;
  readonly subshell_id?: string | null;
}

/** The channels that carry messages; the heartbeat carries bytes. */
export type Channel = "shell" | "control" | "iopub" | "stdin";

export interface Message<Content = Readonly<Record<string, unknown>>> {
  readonly header: Header;
  readonly parent_header: Header | Readonly<Record<string, never>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: Content;
  readonly buffers: readonly Uint8Array[];
}

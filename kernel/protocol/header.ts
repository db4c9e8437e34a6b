/** Makes the headers of new messages. */
import { randomUUID } from "node:crypto";
import type { Header } from "./message.js";

/** The Jupyter protocol that Assay's kernel and client speak: 5.4 brought `iopub_welcome`. */
export const PROTOCOL_VERSION = "5.4";

/** A header for a new message of this type; every message gets its own id and date. */
export function newHeader(msgType: string, session: string): Header {
  return {
    msg_id: randomUUID(),
    session,
    username: "assay",
    date: new Date().toISOString(),
    msg_type: msgType,
    version: PROTOCOL_VERSION,
  };
}

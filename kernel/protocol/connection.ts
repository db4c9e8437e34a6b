/** The connection file: where a kernel listens, and the key that signs its messages. */
import { readFileSync } from "node:fs";
import { AssayError } from "../../lib/errors.js";

/** The sockets of a kernel, by the names that the connection file uses. */
export type Socket = "shell" | "iopub" | "stdin" | "control" | "hb";

export const SOCKETS: readonly Socket[] = ["shell", "iopub", "stdin", "control", "hb"];

/** A parsed connection file. */
export interface Connection {
  readonly transport: "tcp" | "ipc";
  /** An address for tcp, the beginning of a path for ipc. */
  readonly ip: string;
  readonly key: string;
  /** Port of each socket; 0 lets the kernel choose (tcp only). */
  readonly ports: Readonly<Record<Socket, number>>;
}

/**
 * Reads and checks a connection file.
 *
 * @throws AssayError FILE_NOT_FOUND or INVALID_FILE, naming the field that is wrong.
 */
export function readConnectionFile(path: string): Connection {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new AssayError(
      "FILE_NOT_FOUND",
      `The connection file "${path}" cannot be read.`,
      { path },
      { cause: error },
    );
  }
  return parseConnection(text, path);
}

/** Parses the text of a connection file; `path` is for the error message. */
export function parseConnection(text: string, path: string): Connection {
  const fail = (why: string): never => {
    throw new AssayError("INVALID_FILE", `The connection file "${path}" cannot be used: ${why}.`, { path });
  };
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return fail("it is not JSON");
  }
  if (typeof file !== "object" || file === null) return fail("it is not a JSON object");
  const { transport = "tcp", ip = "127.0.0.1", key = "", signature_scheme: scheme = "hmac-sha256" } = file;
  if (transport !== "tcp" && transport !== "ipc")
    return fail(`transport is "${String(transport)}", not tcp or ipc`);
  if (typeof ip !== "string" || typeof key !== "string") return fail("ip and key must be strings");
  if (key !== "" && scheme !== "hmac-sha256") {
    return fail(`signature_scheme is "${String(scheme)}", only hmac-sha256 is spoken`);
  }
  const port = (socket: Socket): number => {
    const value = file[`${socket}_port`];
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 65_535) {
      return fail(`${socket}_port is ${JSON.stringify(value)}, not a port`);
    }
    return value as number;
  };
  const ports = Object.fromEntries(SOCKETS.map((socket) => [socket, port(socket)])) as Record<Socket, number>;
  return { transport, ip, key, ports };
}

/** The text of a connection file, as Jupyter writes it. */
export function formatConnection({ transport, ip, key, ports }: Connection): string {
  const portFields = Object.fromEntries(SOCKETS.map((socket) => [`${socket}_port`, ports[socket]]));
  return `${JSON.stringify({ transport, ip, key, signature_scheme: "hmac-sha256", ...portFields }, null, 2)}\n`;
}

/** ZeroMQ's name for one socket of a connection. */
export function endpoint({ transport, ip, ports }: Connection, socket: Socket): string {
  const separator = transport === "tcp" ? ":" : "-";
  return `${transport}://${ip}${separator}${ports[socket]}`;
}

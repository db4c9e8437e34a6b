/** Requests, replies and the table that matches one to the other. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AssayError, type ErrorCode } from "../../lib/errors.js";

/** A refusal that has an HTTP status of its own; everything else that fails is an AssayError or a defect. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a handler is given. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly url: URL;
  /** The named parts of the route's pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** What a handler answers: JSON, or a body of another type. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array | Readable;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `:name` stands for one segment of the path, `*name` for any number of them, none included. */
  readonly pattern: string;
  readonly handle: (exchange: Exchange) => Promise<Reply> | Reply;
}

interface CompiledRoute extends Route {
  readonly expression: RegExp;
}

/** The largest request body: a notebook with its outputs, as a string in JSON. */
const bodyLimitBytes = 512 * 1024 * 1024;

const statusOf: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_FILE: 400,
  INVALID_NOTEBOOK: 400,
  FILE_NOT_FOUND: 404,
  OUTSIDE_FOLDER: 404,
  MISSING_DEPENDENCY: 501,
  TOO_LARGE: 413,
};

/** Matches requests with handlers; earlier routes win. */
export class Router {
  readonly #routes: readonly CompiledRoute[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ ...route, expression: compile(route.pattern) }));
  }

  /** Runs the handler of the first route that matches. Refusals become replies; defects are thrown on. */
  async answer(request: IncomingMessage, url: URL): Promise<Reply> {
    try {
      let isKnownPath = false;
      for (const { method, expression, handle } of this.#routes) {
        const match = expression.exec(url.pathname);
        if (!match) continue;
        isKnownPath = true;
        if (method === (request.method === "HEAD" ? "GET" : request.method)) {
          return await handle({ request, url, params: decodeParams(match.groups ?? {}) });
        }
      }
      if (isKnownPath) throw new HttpError(405, `${request.method} is not possible here.`);
      throw new HttpError(404, `There is nothing at ${url.pathname}.`);
    } catch (error) {
      if (error instanceof HttpError) return refusal(error.status, error.message);
      const status = error instanceof AssayError ? statusOf[error.code] : undefined;
      if (status === undefined) throw error;
      return refusal(status, (error as AssayError).message);
    }
  }
}

/** An error in the form that JupyterLab shows in its dialogs. */
export const refusal = (status: number, message: string): Reply => ({
  status,
  json: { message, reason: null },
});

/** Writes a reply. */
export async function send(
  response: ServerResponse,
  method: string | undefined,
  reply: Reply,
): Promise<void> {
  const { headers = {}, json, body } = reply;
  const payload = json === undefined ? body : JSON.stringify(json);
  const status = reply.status ?? (payload === undefined ? 204 : 200);
  const type: Record<string, string> =
    json === undefined
      ? {}
      : { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" };
  response.writeHead(status, { ...type, ...headers });
  if (payload === undefined || method === "HEAD") response.end();
  else if (typeof payload === "string" || payload instanceof Uint8Array) response.end(payload);
  else await pipeline(payload, response);
}

/** The request's body as a JSON object; an empty body is an empty object. */
export async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyLimitBytes)
      throw new HttpError(413, `The request is larger than ${bodyLimitBytes} bytes.`);
    chunks.push(chunk);
  }
  if (sizeBytes === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new HttpError(400, `The request's body is not JSON: ${(error as Error).message}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(400, "The request's body must be a JSON object.");
  }
  return value as Readonly<Record<string, unknown>>;
}

function compile(pattern: string): RegExp {
  const source = pattern
    .replace(/[.\\+?^${}()|[\]]/g, "\\$&")
    .replace(/\/\*(\w+)/g, "(?:/(?<$1>.*?))?")
    .replace(/:(\w+)/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}/?$`);
}

function decodeParams(groups: Readonly<Record<string, string | undefined>>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? "")]),
    );
  } catch {
    throw new HttpError(400, "The address is not a valid URL.");
  }
}

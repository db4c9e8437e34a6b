/** The lab: JupyterLab's front end and the part of the Jupyter Server API that it needs, on one port. */

import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { AssayError } from "../../lib/errors.js";
import { Folder, parentOf } from "./contents/folder.js";
import { contentsRoutes } from "./contents/routes.js";
import { TrustStore } from "./contents/trust.js";
import { exportRoutes } from "./export.js";
import { frontEndRoutes } from "./front-end.js";
import { HttpError, Router, refusal, send } from "./http.js";
import { connectChannels, reportDead } from "./kernels/channels.js";
import { v1Protocol } from "./kernels/framing.js";
import { Kernels, type StartKernel } from "./kernels/kernels.js";
import { kernelRoutes } from "./kernels/routes.js";
import { Sessions } from "./kernels/sessions.js";
import { readBundle } from "./page.js";
import { Guard, newToken, pageHeaders } from "./security.js";
import { settingsRoutes } from "./settings.js";
import { staticRoutes } from "./static.js";
import { Workspaces } from "./workspaces.js";

export interface LabOptions {
  /** Folder that the lab shows. */
  readonly folder: string;
  readonly host: string;
  /** The port; with `orNext`, the first free one from here on. */
  readonly port: number;
  readonly orNext: boolean;
  /** Secret of the address; a random one if none is given. */
  readonly token?: string;
  /** No file can be changed from the browser, and no kernel starts. */
  readonly isReadOnly: boolean;
  /** Folder of the front end's bundle. */
  readonly bundleFolder: string;
  /** Folder of the user's settings and layouts. */
  readonly dataFolder: string;
  readonly version: string;
  readonly startKernel: StartKernel;
}

/** A lab that answers. */
export interface Lab {
  /** What to open in a browser, token included. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** Settles when the user chose File, Shut Down. */
  readonly shutDown: Promise<void>;
  /** Ends the kernels and the server. Safe to call twice. */
  dispose(): Promise<void>;
}

/** Messages of a kernel with large buffers, and uploads, go through one frame. */
const frameLimitBytes = 512 * 1024 * 1024;

/**
 * Starts a lab.
 *
 * @throws AssayError FILE_NOT_FOUND (folder), MISSING_DEPENDENCY (bundle), PORT_IN_USE.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { host, isReadOnly, dataFolder } = options;
  const bundle = readBundle(options.bundleFolder);
  const folder = new Folder(options.folder);
  const server = createServer();
  const port = await listen(server, host, options.port, options.orNext);
  const token = options.token ?? newToken();
  const guard = new Guard({ token, host, port });
  const folderOf = (path: string) => workingFolder(folder, path);
  const kernels = new Kernels(options.startKernel);
  const sessions = new Sessions(kernels, folderOf);
  const workspaces = new Workspaces(dataFolder, folder.root);
  let requestShutDown = () => {};
  const shutDown = new Promise<void>((resolve) => {
    requestShutDown = resolve;
  });

  const open = new Router(staticRoutes(bundle.folder));
  const guarded = new Router([
    ...frontEndRoutes({ ...options, bundle, folder, guard, workspaces, requestShutDown }),
    ...settingsRoutes(bundle.folder, dataFolder),
    ...workspaces.routes(),
    ...kernelRoutes({ kernels, sessions, folderOf, isReadOnly }),
    ...exportRoutes(folder),
    ...contentsRoutes({ folder, trust: new TrustStore(dataFolder), isReadOnly }),
  ]);

  server.on("request", (request, response) => {
    void (async () => {
      const url = urlOf(request);
      const isOpen = /^\/(?:static|kernelspecs)\/|^\/favicon/.test(url.pathname);
      const reply = await allowed(() => (isOpen ? guard.checkHost(request) : guard.check(request, url)));
      const answer = reply ?? (await (isOpen ? open : guarded).answer(request, url));
      await send(response, request.method, { ...answer, headers: { ...pageHeaders, ...answer.headers } });
    })().catch((error: unknown) => {
      process.stderr.write(
        `assay lab: ${request.method} ${request.url?.split("?")[0]} failed: ${String(error)}\n`,
      );
      if (response.headersSent) response.destroy();
      else
        void send(response, request.method, refusal(500, "The lab failed to answer. Its terminal says why."));
    });
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: frameLimitBytes,
    handleProtocols: (offered) => (offered.has(v1Protocol) ? v1Protocol : false),
  });
  server.on("upgrade", (request, socket, head) => {
    upgrade(sockets, guard, kernels, request, socket, head).catch(() => socket.destroy());
  });

  let disposal: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}/lab?token=${token}`,
    port,
    token,
    shutDown,
    dispose: () => (disposal ??= dispose(server, sockets, kernels)),
  };
}

async function dispose(server: Server, sockets: WebSocketServer, kernels: Kernels): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets.clients) socket.close(1001, "The lab has ended.");
  await kernels.dispose();
  for (const socket of sockets.clients) socket.terminate();
  server.closeAllConnections();
  await closed;
}

async function upgrade(
  sockets: WebSocketServer,
  guard: Guard,
  kernels: Kernels,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const url = urlOf(request);
  const refused = await allowed(() => guard.check(request, url));
  const id = /^\/api\/kernels\/([^/]+)\/channels$/.exec(url.pathname)?.[1];
  const isKnown = url.pathname === "/api/events/subscribe" || (id !== undefined && kernels.has(id));
  if (refused || !isKnown) {
    const status = refused ? "403 Forbidden" : "404 Not Found";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  const kernel = id === undefined ? undefined : kernels.get(id);
  const client = await kernel?.client.catch((error: unknown) => {
    process.stderr.write(`assay lab: the kernel did not start: ${(error as Error).message}\n`);
    return undefined;
  });
  sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
    webSocket.on("error", () => webSocket.terminate());
    // Without a kernel it is the event stream, which stays open and silent: the lab has no events to tell.
    if (!kernel) return;
    if (client) connectChannels(webSocket, kernel, client);
    else reportDead(webSocket);
  });
}

/** Undefined if the check passes, else the refusal to send. */
async function allowed(check: () => void) {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof HttpError) return refusal(error.status, error.message);
    throw error;
  }
}

// The base only completes the path; the Host header is checked by itself.
function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://lab");
  } catch {
    return new URL("http://lab/invalid-address");
  }
}

/** The folder of a document, or the nearest one that exists. */
async function workingFolder(folder: Folder, path: string): Promise<string> {
  for (let current = path; current !== ""; current = parentOf(current)) {
    const found = await folder.existing(current).catch(() => undefined);
    if (found) return (await stat(found)).isDirectory() ? found : dirname(found);
  }
  return join(folder.root);
}

async function listen(server: Server, host: string, first: number, orNext: boolean): Promise<number> {
  const last = orNext && first !== 0 ? Math.min(first + 99, 65_535) : first;
  for (let port = first; port <= last; port += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" && !(code === "EACCES" && orNext)) {
        throw new AssayError("INVALID_ARGUMENT", `lab: cannot listen on ${host}:${port}: ${message}.`, {
          host,
          port,
        });
      }
    }
  }
  const which = first === last ? `port ${first} is` : `ports ${first} to ${last} are`;
  throw new AssayError(
    "PORT_IN_USE",
    `lab: ${which} in use on ${host}. Choose another with --port, or leave the option out to take the next free one.`,
    { host, port: first },
  );
}

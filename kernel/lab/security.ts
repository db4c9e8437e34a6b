/**
 * Who may speak to the lab: holders of its token, from its own pages, under its own name.
 *
 * The token arrives in the address once and lives on in a cookie that scripts cannot read. A foreign page that
 * makes the browser send that cookie fails the Origin check, or lacks the header that only our own page knows;
 * a foreign name that resolves to this machine (DNS rebinding) fails the Host check.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { HttpError } from "./http.js";

/** Sent with every reply. No inline script: a planted `<script>` or `onerror` in an output does not run. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'self'",
    // JupyterLab compiles its settings schemas with new Function.
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export interface GuardOptions {
  readonly token: string;
  /** The address that the server listens on. */
  readonly host: string;
  readonly port: number;
}

/** A token that cannot be guessed. */
export const newToken = (): string => randomBytes(24).toString("hex");

/** Decides about every request and WebSocket before anything else sees it. */
export class Guard {
  /** What our own page sends in `X-XSRFToken`; derived, so that it survives a restart with the same token. */
  readonly xsrfToken: string;
  readonly #token: string;
  readonly #cookie: string;
  readonly #names: ReadonlySet<string>;
  readonly #isPublic: boolean;

  constructor({ token, host, port }: GuardOptions) {
    this.#token = token;
    // Cookies are shared by all ports of a host: the port in the name keeps two labs apart.
    this.#cookie = `assay-lab-${port}`;
    this.xsrfToken = createHmac("sha256", token).update("xsrf").digest("hex").slice(0, 32);
    this.#names = new Set(["127.0.0.1", "localhost", "[::1]", host.toLowerCase(), `[${host.toLowerCase()}]`]);
    this.#isPublic = host === "0.0.0.0" || host === "::";
  }

  /** The cookie to set when a page is opened with the token in its address. */
  get setCookie(): string {
    return `${this.#cookie}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Throws a refusal unless the request may pass. */
  check(request: IncomingMessage, url: URL): void {
    this.checkHost(request);
    this.checkOrigin(request);
    const way = this.#authentication(request, url);
    if (way === "none")
      throw new HttpError(403, "Open the lab with the address that it printed, token included.");
    const changes = request.method !== "GET" && request.method !== "HEAD";
    if (way === "cookie" && changes && !isSame(request.headers["x-xsrftoken"], this.xsrfToken)) {
      throw new HttpError(403, "The XSRF token is missing or wrong. Reload the page.");
    }
  }

  /** Throws unless the Host header names this machine. */
  checkHost(request: IncomingMessage): void {
    const name = (request.headers.host ?? "").toLowerCase().replace(/:\d+$/, "");
    // Listening on every address, the machine's outer names are unknown, but a rebound name is never an address.
    const isAddress = this.#isPublic && isIP(name.replace(/^\[|\]$/g, "")) !== 0;
    if (!this.#names.has(name) && !isAddress) {
      throw new HttpError(403, `The lab does not answer to the name "${name}".`);
    }
  }

  /** Throws if another site's page sent this. */
  checkOrigin(request: IncomingMessage): void {
    const { origin, host } = request.headers;
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      throw new HttpError(403, `Requests from ${origin} are not answered.`);
    }
    if (request.headers["sec-fetch-site"] === "cross-site" && request.method !== "GET") {
      throw new HttpError(403, "Requests from other sites are not answered.");
    }
  }

  #authentication(request: IncomingMessage, url: URL): "token" | "cookie" | "none" {
    const header = /^(?:token|bearer)\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (isSame(header, this.#token) || isSame(url.searchParams.get("token"), this.#token)) return "token";
    const cookies = (request.headers.cookie ?? "").split(";").map((part) => part.trim());
    return cookies.some((cookie) => isSame(cookie, `${this.#cookie}=${this.#token}`)) ? "cookie" : "none";
  }
}

/** Compares without telling by the time taken how much was right. */
function isSame(given: string | readonly string[] | null | undefined, expected: string): boolean {
  if (typeof given !== "string") return false;
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

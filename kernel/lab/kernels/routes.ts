/** The kernels and sessions part of the Jupyter Server API. */
import { type Exchange, HttpError, type Reply, type Route, readJson } from "../http.js";
import { type Kernels, kernelName } from "./kernels.js";
import type { Sessions } from "./sessions.js";

/** What the launcher and the kernel menu show. */
const kernelSpecs = {
  default: kernelName,
  kernelspecs: {
    [kernelName]: {
      name: kernelName,
      spec: {
        argv: [],
        env: {},
        display_name: "Assay (TypeScript)",
        language: "typescript",
        interrupt_mode: "message",
        metadata: {},
      },
      resources: { "logo-svg": "/kernelspecs/assay/logo.svg" },
    },
  },
};

export interface KernelRoutesOptions {
  readonly kernels: Kernels;
  readonly sessions: Sessions;
  readonly folderOf: (path: string) => Promise<string>;
  readonly isReadOnly: boolean;
}

/** Routes under `/api/kernelspecs`, `/api/kernels` and `/api/sessions`. */
export function kernelRoutes({
  kernels,
  sessions,
  folderOf,
  isReadOnly,
}: KernelRoutesOptions): readonly Route[] {
  const id = ({ params }: Exchange) => params["id"]!;
  const starting =
    (handle: (exchange: Exchange) => Promise<Reply>) =>
    async (exchange: Exchange): Promise<Reply> => {
      if (isReadOnly) throw new HttpError(403, "This lab was started with --read-only: no cell can be run.");
      return handle(exchange);
    };
  return [
    { method: "GET", pattern: "/api/kernelspecs", handle: () => ({ json: kernelSpecs }) },
    {
      method: "GET",
      pattern: "/api/kernelspecs/:name",
      handle: ({ params }) => ({ json: specOf(params["name"]!) }),
    },
    {
      method: "GET",
      pattern: "/api/kernels",
      handle: () => ({ json: kernels.list().map(({ model }) => model) }),
    },
    {
      method: "POST",
      pattern: "/api/kernels",
      handle: starting(async ({ request }) => {
        const { path = "" } = await readJson(request);
        const kernel = kernels.start({ cwd: await folderOf(String(path)) });
        return { status: 201, json: kernel.model };
      }),
    },
    {
      method: "GET",
      pattern: "/api/kernels/:id",
      handle: (exchange) => ({ json: kernels.get(id(exchange)).model }),
    },
    {
      method: "DELETE",
      pattern: "/api/kernels/:id",
      handle: async (exchange) => {
        await kernels.shutdown(id(exchange));
        return {};
      },
    },
    {
      method: "POST",
      pattern: "/api/kernels/:id/interrupt",
      handle: async (exchange) => {
        await kernels.interrupt(id(exchange));
        return {};
      },
    },
    {
      method: "POST",
      pattern: "/api/kernels/:id/restart",
      handle: async (exchange) => {
        await kernels.restart(id(exchange));
        return { json: kernels.get(id(exchange)).model };
      },
    },
    { method: "GET", pattern: "/api/sessions", handle: () => ({ json: sessions.list() }) },
    {
      method: "POST",
      pattern: "/api/sessions",
      handle: starting(async ({ request }) => {
        const { path, name = "", type = "notebook", kernel } = await readJson(request);
        if (typeof path !== "string")
          throw new HttpError(400, "The request must say the path of the document.");
        const kernelId = idIn(kernel);
        const session = { path, name: String(name), type: String(type), ...(kernelId && { kernelId }) };
        return { status: 201, json: await sessions.open(session) };
      }),
    },
    {
      method: "GET",
      pattern: "/api/sessions/:id",
      handle: (exchange) => ({ json: sessions.get(id(exchange)) }),
    },
    {
      method: "PATCH",
      pattern: "/api/sessions/:id",
      handle: starting(async (exchange) => {
        const { path, name, type, kernel } = await readJson(exchange.request);
        const kernelId = idIn(kernel);
        const change = {
          ...(typeof path === "string" && { path }),
          ...(typeof name === "string" && { name }),
          ...(typeof type === "string" && { type }),
          ...(kernelId ? { kernelId } : { newKernel: kernel !== undefined && kernel !== null }),
        };
        return { json: await sessions.change(id(exchange), change) };
      }),
    },
    {
      method: "DELETE",
      pattern: "/api/sessions/:id",
      handle: async (exchange) => {
        await sessions.close(id(exchange));
        return {};
      },
    },
  ];
}

function specOf(name: string) {
  if (name !== kernelName) throw new HttpError(404, `There is no kernel named "${name}".`);
  return kernelSpecs.kernelspecs[kernelName];
}

function idIn(kernel: unknown): string | undefined {
  const id = (kernel as { readonly id?: unknown } | undefined | null)?.id;
  return typeof id === "string" && id !== "" ? id : undefined;
}

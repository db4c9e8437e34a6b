/** The contents part of the Jupyter Server API, and the files as they are. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Exchange, HttpError, type Reply, type Route, readJson } from "../http.js";
import { Checkpoints } from "./checkpoints.js";
import { type Folder, nameOf } from "./folder.js";
import { contentTypeOf } from "./mime.js";
import { type ContentFormat, type ContentModel, type ContentType, Reader } from "./read.js";
import type { TrustStore } from "./trust.js";
import { type SaveRequest, Writer } from "./write.js";

/** A file opened by itself is a stranger's page: it gets no origin, no script and no network. */
const fileHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "sandbox; default-src 'none'; img-src data: 'self'; media-src 'self'; style-src 'unsafe-inline'; font-src data:",
  "Cache-Control": "no-store",
};

const types: readonly unknown[] = ["notebook", "file", "directory"];
const formats: readonly unknown[] = ["json", "text", "base64"];

export interface ContentsOptions {
  readonly folder: Folder;
  readonly trust: TrustStore;
  readonly isReadOnly: boolean;
}

/** Routes under `/api/contents` and `/files`. */
export function contentsRoutes({ folder, trust, isReadOnly }: ContentsOptions): readonly Route[] {
  const reader = new Reader(folder, trust, isReadOnly);
  const writer = new Writer(folder, trust);
  const checkpoints = new Checkpoints(folder);
  const described = (path: string): Promise<ContentModel> =>
    reader.read(path, { content: false, hash: false });
  const created = async (path: string): Promise<Reply> => ({
    status: 201,
    json: await described(path),
    headers: { Location: `/api/contents/${encodeURI(path)}` },
  });
  const writing =
    (handle: (path: string, exchange: Exchange) => Promise<Reply>) =>
    async (exchange: Exchange): Promise<Reply> => {
      if (isReadOnly)
        throw new HttpError(403, "This lab was started with --read-only: no file can be changed.");
      return handle(exchange.params["path"] ?? "", exchange);
    };

  return [
    {
      method: "GET",
      pattern: "/api/contents/*path/checkpoints",
      handle: async ({ params }) => ({ json: await checkpoints.list(params["path"]!) }),
    },
    {
      method: "POST",
      pattern: "/api/contents/*path/checkpoints",
      handle: writing(async (path) => ({ status: 201, json: await checkpoints.create(path) })),
    },
    {
      method: "POST",
      pattern: "/api/contents/*path/checkpoints/:id",
      handle: writing(async (path, { params }) => {
        await checkpoints.restore(path, params["id"]!);
        return {};
      }),
    },
    {
      method: "DELETE",
      pattern: "/api/contents/*path/checkpoints/:id",
      handle: writing(async (path, { params }) => {
        await checkpoints.remove(path, params["id"]!);
        return {};
      }),
    },
    {
      method: "GET",
      pattern: "/api/contents/*path",
      handle: async ({ params, url: { searchParams } }) => ({
        json: await reader.read(params["path"]!, {
          ...choice("type", searchParams.get("type"), types as readonly ContentType[]),
          ...choice("format", searchParams.get("format"), formats as readonly ContentFormat[]),
          content: searchParams.get("content") !== "0",
          hash: searchParams.get("hash") === "1",
        }),
      }),
    },
    {
      method: "PUT",
      pattern: "/api/contents/*path",
      handle: writing(async (path, { request }) => {
        const isNew = await folder.existing(path).then(
          () => false,
          () => true,
        );
        await writer.save(path, saveRequest(path, await readJson(request)));
        const model = await reader.read(path, { content: false, hash: true });
        return { status: isNew ? 201 : 200, json: model };
      }),
    },
    {
      method: "POST",
      pattern: "/api/contents/*path",
      handle: writing(async (path, { request }) => {
        const { type = "file", ext = ".txt", copy_from: from } = await readJson(request);
        if (typeof from === "string") return created(await writer.copy(from, path));
        const checked = choice("type", type, types as readonly ContentType[]).type ?? "file";
        const extension = String(ext);
        return created(
          await writer.create(path, checked, extension.startsWith(".") ? extension : `.${extension}`),
        );
      }),
    },
    {
      method: "PATCH",
      pattern: "/api/contents/*path",
      handle: writing(async (path, { request }) => {
        const { path: to } = await readJson(request);
        if (typeof to !== "string") throw new HttpError(400, "The request must say the new path.");
        await writer.rename(path, to);
        await Checkpoints.follow(await folder.entry(path), await folder.entry(to));
        return { json: await described(to) };
      }),
    },
    {
      method: "DELETE",
      pattern: "/api/contents/*path",
      handle: writing(async (path) => {
        await writer.remove(path);
        return {};
      }),
    },
    {
      method: "GET",
      pattern: "/files/*path",
      handle: ({ params, url }) => sendFile(folder, params["path"]!, url.searchParams.has("download")),
    },
  ];
}

async function sendFile(folder: Folder, path: string, isDownload: boolean): Promise<Reply> {
  const file = await folder.existing(path);
  const stats = await stat(file);
  if (!stats.isFile()) throw new HttpError(400, `"${path}" is not a file.`);
  const name = encodeURIComponent(nameOf(path));
  return {
    body: createReadStream(file),
    headers: {
      ...fileHeaders,
      "Content-Type": contentTypeOf(path),
      "Content-Length": String(stats.size),
      ...(isDownload && { "Content-Disposition": `attachment; filename*=UTF-8''${name}` }),
    },
  };
}

function saveRequest(path: string, body: Readonly<Record<string, unknown>>): SaveRequest {
  const { type, format, content, chunk } = body;
  const checked = choice("type", type, types as readonly ContentType[]).type;
  if (!checked) throw new HttpError(400, `The request must say which type "${path}" has.`);
  if (chunk !== undefined && !Number.isInteger(chunk)) throw new HttpError(400, "chunk must be an integer.");
  return {
    type: checked,
    content,
    ...choice("format", format, formats as readonly ContentFormat[]),
    ...(chunk !== undefined && { chunk: chunk as number }),
  };
}

/** `{ [name]: value }` if a value is given; an unknown one is refused. */
function choice<Name extends string, Value>(
  name: Name,
  value: unknown,
  known: readonly Value[],
): { readonly [key in Name]?: Value } {
  if (value === undefined || value === null || value === "") return {};
  if (!known.includes(value as Value)) {
    throw new HttpError(400, `${name} must be one of ${known.join(", ")}, not "${value}".`);
  }
  return { [name]: value } as { readonly [key in Name]?: Value };
}

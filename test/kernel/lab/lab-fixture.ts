/** A lab on a temporary folder, with echo kernels, and requests to it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, startLab } from "../../../kernel/lab/index.js";
import { EchoKernel } from "./echo-kernel.js";

export interface LabFixture {
  readonly lab: Lab;
  readonly base: string;
  /** The folder that the lab shows; beside it lies `outside`, which it must not. */
  readonly root: string;
  readonly outside: string;
  readonly kernels: readonly EchoKernel[];
  /** A request with the token, unless `headers` says otherwise. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  dispose(): Promise<void>;
}

export async function labFixture(
  options: { readonly isReadOnly?: boolean; readonly startError?: Error } = {},
): Promise<LabFixture> {
  const base = mkdtempSync(join(tmpdir(), "assay-lab-"));
  const [root, outside, bundleFolder] = ["root", "outside", "bundle"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [root, outside, bundleFolder]) mkdirSync(folder);
  writeFileSync(join(outside, "secret.txt"), "secret");
  writeFileSync(join(bundleFolder, "main.0123456789ab.js"), "void 0;");
  writeFileSync(join(bundleFolder, "logo.svg"), "<svg/>");
  writeFileSync(join(bundleFolder, "licences.json"), "[]");
  const schema = { properties: { theme: { type: "string", default: "" } } };
  writeFileSync(
    join(bundleFolder, "schemas.json"),
    JSON.stringify({ "@jupyterlab/apputils-extension:themes": { schema, version: "1.2.3" } }),
  );
  writeFileSync(
    join(bundleFolder, "manifest.json"),
    JSON.stringify({ jupyterlab: "4.6.4", files: ["main.0123456789ab.js"] }),
  );
  const kernels: EchoKernel[] = [];
  const lab = await startLab({
    folder: root,
    host: "127.0.0.1",
    port: 0,
    orNext: false,
    isReadOnly: options.isReadOnly ?? false,
    bundleFolder,
    dataFolder: join(base, "data"),
    version: "0.0.0",
    startKernel: async (startOptions) => {
      if (options.startError) throw options.startError;
      const kernel = new EchoKernel(startOptions);
      kernels.push(kernel);
      return kernel;
    },
  });
  return {
    lab,
    base,
    root,
    outside,
    kernels,
    request: (method, path, body, headers = { Authorization: `token ${lab.token}` }) =>
      fetch(`http://127.0.0.1:${lab.port}${path}`, {
        method,
        headers,
        redirect: "manual",
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    dispose: async () => {
      await lab.dispose();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

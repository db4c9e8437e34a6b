/** `assay lab`: notebooks in the browser. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";

interface Options {
  readonly port?: number;
  readonly host: string;
  readonly token?: string;
  readonly open: boolean;
  readonly readOnly: boolean;
}

/** Where the search for a free port begins; the one that people know from Jupyter. */
const firstPort = 8888;
const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));

export function registerLab(program: Command): void {
  program
    .command("lab")
    .summary("open notebooks in the browser")
    .description("Opens notebooks in the browser: JupyterLab with the Assay kernel, without Python.")
    .argument("[dir]", "folder with the notebooks", ".")
    .option("--port <n>", `port to listen on (default: the first free one from ${firstPort})`, parsePort)
    .option(
      "--host <address>",
      "address to listen on; any other than the default can be reached by others",
      "127.0.0.1",
    )
    .option("--token <token>", "secret of the address (default: a random one)", parseToken)
    .option("--no-open", "do not open a browser")
    .option("--read-only", "change no file from the browser and run no cell", false)
    .addHelpText(
      "after",
      `
Examples:
  $ assay lab                        the current folder
  $ assay lab notebooks --no-open    print the address only
  $ assay lab --port 9000 --token s3cret

When the lab is ready, one line with its address is printed. Ctrl-C ends it and its kernels.`,
    )
    .action(run);
}

async function run(folder: string, { port, host, token, open, readOnly }: Options): Promise<void> {
  const { startLab, userFolder } = await import("../lab/index.js");
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  const lab = await startLab({
    folder,
    host,
    port: port ?? firstPort,
    orNext: port === undefined,
    ...(token !== undefined && { token }),
    isReadOnly: readOnly,
    bundleFolder: join(packageRoot, "dist/lab-ui"),
    dataFolder: join(userFolder(), "lab"),
    version,
    // ZeroMQ is loaded with the first kernel, not before the address is printed.
    startKernel: async (options) => (await import("../client/index.js")).startKernel(options),
  });
  process.stdout.write(`Assay Lab: ${lab.url}\n`);
  const ended = Promise.race([lab.shutDown, interrupted()]);
  if (open) await openBrowser(lab.url);
  await ended;
  await lab.dispose();
}

/** Settles at the first Ctrl-C or request to terminate; a second one does not wait for the kernels. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

async function openBrowser(url: string): Promise<void> {
  const complain = () =>
    process.stderr.write("assay: found no browser to open; open the address above yourself.\n");
  const { DISPLAY, WAYLAND_DISPLAY, BROWSER, WSL_DISTRO_NAME } = process.env;
  // Without a screen, xdg-open would start a text browser in this very terminal.
  const hasScreen = process.platform !== "linux" || DISPLAY || WAYLAND_DISPLAY || BROWSER || WSL_DISTRO_NAME;
  if (!hasScreen) {
    complain();
    return;
  }
  try {
    const { default: open } = await import("open");
    const child = await open(url);
    child.once("error", complain);
    child.once("exit", (code) => code && complain());
  } catch {
    complain();
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("Expected a number from 0 to 65535.");
  return port;
}

function parseToken(text: string): string {
  // It becomes part of an address and of a cookie.
  if (!/^[\w.~-]+$/.test(text)) throw new InvalidArgumentError("Use letters, digits and . _ ~ - only.");
  return text;
}

/** What the kernel says about itself. */
import { readFileSync } from "node:fs";
import { PROTOCOL_VERSION } from "../protocol/header.js";
import type { Reply } from "./request.js";

const PACKAGE = new URL("../../../package.json", import.meta.url);

interface PackageFile {
  readonly version: string;
  readonly dependencies: Readonly<Record<"typescript", string>>;
}

let info: Reply | undefined;

/** The content of kernel_info_reply. */
export function kernelInfo(): Reply {
  info ??= describe();
  return info;
}

function describe(): Reply {
  const { version, dependencies } = JSON.parse(readFileSync(PACKAGE, "utf8")) as PackageFile;
  const { typescript } = dependencies;
  return {
    status: "ok",
    protocol_version: PROTOCOL_VERSION,
    implementation: "assay",
    implementation_version: version,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: { name: "javascript", mode: "typescript", typescript: true },
      nbconvert_exporter: "script",
    },
    banner: `Assay ${version}: TypeScript ${typescript} on Node ${process.versions.node}`,
    help_links: [],
    debugger: false,
    supported_features: [],
  };
}

/**
 * Installs the packed package into an empty project, with and without its optional danfojs-node, and uses it there:
 * the commands, and a script that imports the library. Run by hand: it asks the registry for all dependencies.
 *
 *   node test/package/check.mjs [FOLDER]
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "assay-package-"));
mkdirSync(folder, { recursive: true });

function run(command, args, cwd, expected = 0) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 600_000 });
  if (status !== expected) {
    console.error(
      `FAILED in ${cwd}: ${command} ${args.join(" ")}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`,
    );
    process.exit(1);
  }
  return stdout;
}

run("npm", ["pack", "--silent", "--pack-destination", folder], root);
const archive = join(
  folder,
  readdirSync(folder).find((file) => file.endsWith(".tgz")),
);
const script = `
import { AssayError, anomaly, bench, data, extraction, loadModel, onnx, probes, spec, stats, tensor } from "assay";
const model = await loadModel("suspect.onnx");
const { inputs, labels } = await data.readNpz("clean.npz");
const { scores } = await spec.observe(model, inputs);
if (scores.length !== inputs.dims[0] * 10) throw new Error("observe");
const gaussian = anomaly.fitGaussian(tensor.tensor("float32", [50, 2], Float32Array.from({ length: 100 }, (_, i) => Math.sin(i * i))), { shrinkage: "ledoit-wolf" });
if (gaussian.kind !== "gaussian") throw new Error("gaussian");
if (onnx.scanFile("suspect.onnx").findings.some(({ severity }) => severity === "flag")) throw new Error("scan");
if (!(new AssayError("INVALID_ARGUMENT", "m") instanceof Error)) throw new Error("error");
for (const namespace of [bench, extraction, probes, stats]) if (Object.keys(namespace).length === 0) throw new Error("empty");
if (labels.dims[0] !== inputs.dims[0]) throw new Error("labels");
let table;
try { table = typeof (await data.readTable("table.csv")); } catch (error) { table = error.code; }
console.log("library ok, tables: " + table);
`;

const { overrides, optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
// danfojs-node names packages that cannot be installed everywhere: npm then leaves it out, unless the project's own
// overrides replace them.
for (const [name, settings, table] of [
  ["without-danfojs", {}, "MISSING_DEPENDENCY"],
  [
    "with-danfojs",
    { overrides, dependencies: { "danfojs-node": optionalDependencies["danfojs-node"] } },
    "object",
  ],
]) {
  const project = join(folder, name);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project);
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name, private: true, type: "module", ...settings }),
  );
  // onnxruntime's install script fetches GPU libraries unless told otherwise; the README says so.
  writeFileSync(join(project, ".npmrc"), "onnxruntime-node-install=skip\nfund=false\naudit=false\n");
  run("npm", ["install", "--silent", archive], project);
  const models = join(root, "notebooks/models");
  copyFileSync(join(models, "fashion-cnn.onnx"), join(project, "suspect.onnx"));
  const references = [1, 2, 3].map((i) => `reference-${i}.onnx`);
  for (const [i, file] of references.entries()) {
    copyFileSync(join(models, `fashion-cnn-clean-${i + 1}.onnx`), join(project, file));
  }
  copyFileSync(join(root, "notebooks/data/fashion-mnist.npz"), join(project, "clean.npz"));
  writeFileSync(join(project, "table.csv"), "a,b\n1,2\n3,4\n");
  writeFileSync(join(project, "script.mjs"), script);
  const said = run(process.execPath, ["script.mjs"], project).trim();
  console.log(`${name}: ${said}`);
  if (!said.endsWith(`tables: ${table}`)) {
    console.error(`FAILED: tables should give ${table}`);
    process.exit(1);
  }
  run("npx", ["assay", "scan", "suspect.onnx"], project);
  const audit = ["assay", "audit", "suspect.onnx", "--data", "clean.npz", "--references", ...references];
  const printed = run(
    "npx",
    [...audit, "--budget", "quick", "--json", "-", "--html", "report.html", "--fail-on", "suspicious"],
    project,
    7,
  );
  const { decision, target } = JSON.parse(printed);
  const report = readFileSync(join(project, "report.html"), "utf8");
  console.log(`${name}: audit ok, ${decision}, target ${target}, report of ${report.length} characters`);
}
console.log(`ok, in ${folder}`);

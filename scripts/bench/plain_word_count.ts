/** W1 as one writes it without an engine: one process, a Map, every count written. */
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

const [input = "", output = ""] = process.argv.slice(2);
const counts = new Map<string, number>();
for await (const line of createInterface({ input: createReadStream(input) })) {
  for (const word of line.split(/\s+/)) {
    if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}
const file = createWriteStream(output);
for (const [word, n] of counts) file.write(`${n}\t${word}\n`);
await new Promise((resolve) => file.end(resolve));

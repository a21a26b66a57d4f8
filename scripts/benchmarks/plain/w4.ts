/** W4 as one writes it without an engine: the targets of each node in a Map, ranks in another one. */
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [input = "", output = ""] = process.argv.slice(2);
const targets = new Map<number, number[]>();
for await (const line of createInterface({ input: createReadStream(input) })) {
  const [from, to] = line.split(" ").map(Number);
  const known = targets.get(from);
  if (known === undefined) targets.set(from, [to]);
  else known.push(to);
}
let ranks = new Map(Array.from(targets.keys(), (node) => [node, 1]));
for (let i = 0; i < 10; i++) {
  const sums = new Map<number, number>();
  for (const [node, tos] of targets) {
    const share = (ranks.get(node) ?? 0) / tos.length;
    for (const to of tos) sums.set(to, (sums.get(to) ?? 0) + share);
  }
  ranks = new Map(Array.from(targets.keys(), (node) => [node, 0.15 + 0.85 * (sums.get(node) ?? 0)]));
}
writeFileSync(output, Array.from(ranks, ([node, rank]) => `${node},${rank}\n`).join(""));

/** W5 as one writes it without an engine: an array of points, each an array of numbers. */
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [input = "", output = ""] = process.argv.slice(2);
const points: number[][] = [];
let isHeader = true;
for await (const line of createInterface({ input: createReadStream(input) })) {
  if (!isHeader) points.push(line.split(",").map(Number));
  isHeader = false;
}
let centres = points.slice(0, 16);
for (let i = 0; i < 10; i++) {
  const sums = centres.map((centre) => centre.map(() => 0));
  const counts = centres.map(() => 0);
  for (const point of points) {
    const k = nearest(point);
    counts[k]++;
    for (let d = 0; d < point.length; d++) sums[k][d] += point[d];
  }
  centres = centres.map((centre, k) => (counts[k] === 0 ? centre : sums[k].map((sum) => sum / counts[k])));
}
writeFileSync(output, centres.map((centre) => `${centre.join(",")}\n`).join(""));

function nearest(point: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < centres.length; k++) {
    let distance = 0;
    for (let d = 0; d < point.length; d++) distance += (point[d] - centres[k][d]) ** 2;
    if (distance < least) {
      least = distance;
      best = k;
    }
  }
  return best;
}

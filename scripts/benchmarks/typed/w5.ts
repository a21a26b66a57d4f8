/** W5 by hand on one thread: all points in one array. */
import { writeFileSync } from "node:fs";
import { NumberReader, readChunks } from "./chunks.ts";

const WIDTH = 8;
const CENTRES = 16;
const [input = "", output = ""] = process.argv.slice(2);
const points = readPoints(input);
const centres = points.slice(0, CENTRES * WIDTH);
for (let iteration = 0; iteration < 10; iteration++) {
  const sums = new Float64Array(CENTRES * WIDTH);
  const counts = new Uint32Array(CENTRES);
  for (let at = 0; at < points.length; at += WIDTH) {
    const k = nearest(at);
    counts[k]++;
    for (let d = 0; d < WIDTH; d++) sums[k * WIDTH + d] += points[at + d];
  }
  for (let i = 0; i < sums.length; i++) {
    const count = counts[Math.floor(i / WIDTH)];
    if (count > 0) centres[i] = sums[i] / count;
  }
}
let text = "";
for (let k = 0; k < CENTRES; k++) text += `${centres.subarray(k * WIDTH, (k + 1) * WIDTH).join(",")}\n`;
writeFileSync(output, text);

function nearest(at: number): number {
  const [x0, x1, x2, x3] = [points[at], points[at + 1], points[at + 2], points[at + 3]];
  const [x4, x5, x6, x7] = [points[at + 4], points[at + 5], points[at + 6], points[at + 7]];
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < CENTRES; k++) {
    const c = k * WIDTH;
    const low =
      (x0 - centres[c]) ** 2 +
      (x1 - centres[c + 1]) ** 2 +
      (x2 - centres[c + 2]) ** 2 +
      (x3 - centres[c + 3]) ** 2;
    const high =
      (x4 - centres[c + 4]) ** 2 +
      (x5 - centres[c + 5]) ** 2 +
      (x6 - centres[c + 6]) ** 2 +
      (x7 - centres[c + 7]) ** 2;
    if (low + high < least) {
      least = low + high;
      best = k;
    }
  }
  return best;
}

function readPoints(path: string): Float64Array<ArrayBuffer> {
  const reader = new NumberReader();
  let values = new Float64Array(1 << 20);
  let length = 0;
  let isHeader = true;
  readChunks(path, (bytes, size) => {
    let at = isHeader ? bytes.indexOf(10) + 1 : 0;
    isHeader = false;
    for (; at < size; at = reader.end + 1) {
      if (length === values.length) {
        const larger = new Float64Array(2 * values.length);
        larger.set(values);
        values = larger;
      }
      values[length++] = reader.decimal(bytes, at);
    }
  });
  return values.slice(0, length);
}

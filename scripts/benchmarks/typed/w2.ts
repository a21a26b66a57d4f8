/** W2 by hand on one thread: a radix sort of the first four bytes, then of what is equal in them. */
import { readFileSync } from "node:fs";
import { Output } from "./chunks.ts";

const KEY_BYTES = 10;
const [input = "", output = ""] = process.argv.slice(2);
const bytes = readFileSync(input);
let starts = new Uint32Array(1 << 16);
let rows = 0;
for (let at = 0; at < bytes.length; ) {
  if (rows + 1 >= starts.length) {
    const larger = new Uint32Array(2 * starts.length);
    larger.set(starts);
    starts = larger;
  }
  starts[rows++] = at;
  const end = bytes.indexOf(10, at);
  at = end < 0 ? bytes.length : end + 1;
}
starts[rows] = bytes.length;

const prefixes = new Uint32Array(rows);
let order = new Uint32Array(rows);
for (let row = 0; row < rows; row++) {
  prefixes[row] =
    ((keyByte(row, 0) << 24) | (keyByte(row, 1) << 16) | (keyByte(row, 2) << 8) | keyByte(row, 3)) >>> 0;
  order[row] = row;
}
order = byDigit(order, 0);
order = byDigit(order, 16);
for (let from = 0; from < rows; ) {
  let to = from + 1;
  while (to < rows && prefixes[order[to]] === prefixes[order[from]]) to++;
  if (to - from > 1) order.set(Array.from(order.subarray(from, to)).sort(compareRest), from);
  from = to;
}
const text = new Output(output);
for (let i = 0; i < rows; i++) {
  const start = starts[order[i]];
  const end = starts[order[i] + 1];
  text.reserve(end - start);
  text.bytes.set(bytes.subarray(start, end), text.length);
  text.length += end - start;
}
text.close();

/** The end of the line for keys that are shorter, which sorts before all that can be printed. */
function keyByte(row: number, i: number): number {
  const at = starts[row] + i;
  return at < starts[row + 1] ? bytes[at] : 0;
}

function byDigit(from: Uint32Array, shift: number): Uint32Array<ArrayBuffer> {
  const places = new Uint32Array(65537);
  for (let row = 0; row < rows; row++) places[((prefixes[row] >>> shift) & 0xffff) + 1]++;
  for (let digit = 0; digit < 65536; digit++) places[digit + 1] += places[digit];
  const to = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = from[i];
    to[places[(prefixes[row] >>> shift) & 0xffff]++] = row;
  }
  return to;
}

function compareRest(a: number, b: number): number {
  for (let i = 4; i < KEY_BYTES; i++) {
    const difference = keyByte(a, i) - keyByte(b, i);
    if (difference !== 0) return difference;
  }
  return a - b;
}

/** W3 by hand on one thread: users in an array by their id, one place of a small array for each group. */
import { writeFileSync } from "node:fs";
import { NumberReader, readChunks } from "./chunks.ts";

const DECADES = 32;
const COMMA = 44;
const [orders = "", users = "", output = ""] = process.argv.slice(2);
const reader = new NumberReader();
const decoder = new TextDecoder();
const countries = new Map<string, number>();
let groups = new Int32Array(1 << 20).fill(-1);

eachLine(users, (bytes, at, end) => {
  const user = reader.integer(bytes, at);
  const from = reader.end + 1;
  const comma = bytes.indexOf(COMMA, from);
  const name = decoder.decode(bytes.subarray(from, comma));
  let country = countries.get(name);
  if (country === undefined) {
    country = countries.size;
    countries.set(name, country);
  }
  while (user >= groups.length) {
    const larger = new Int32Array(2 * groups.length).fill(-1);
    larger.set(groups);
    groups = larger;
  }
  groups[user] = country * DECADES + Math.floor(reader.integer(bytes, comma + 1) / 10);
  return end;
});

const sums = new Float64Array(DECADES * countries.size);
const isSeen = new Uint8Array(sums.length);
eachLine(orders, (bytes, at) => {
  while (bytes[at] !== COMMA) at++;
  const group = groups[reader.integer(bytes, at + 1)] ?? -1;
  const amount = reader.decimal(bytes, reader.end + 1);
  if (group >= 0) {
    sums[group] += amount;
    isSeen[group] = 1;
  }
  return reader.end;
});

const names = [...countries.keys()];
let text = "";
for (let group = 0; group < sums.length; group++) {
  if (isSeen[group] === 0) continue;
  text += `${names[Math.floor(group / DECADES)]},${(group % DECADES) * 10},${sums[group]}\n`;
}
writeFileSync(output, text);

/** Calls back for each line but the first; what comes back is a place in the line from where its end is sought. */
function eachLine(path: string, take: (bytes: Uint8Array, at: number, end: number) => number): void {
  let isHeader = true;
  readChunks(path, (bytes, length) => {
    let at = 0;
    while (at < length) {
      if (!isHeader) at = take(bytes, at, at);
      isHeader = false;
      while (at < length && bytes[at] !== 10) at++;
      at++;
    }
  });
}

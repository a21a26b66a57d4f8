/**
 * Seeded data for the benchmarks: the same bytes on every machine.
 *
 * W1 is source-like text: a few words very often, millions of identifiers once or twice.
 */
import { closeSync, openSync, writeSync } from "node:fs";

const FLUSH_BYTES = 1 << 20;

/** A 32-bit xorshift generator; returns values in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** Writes about `bytes` of text to a file. About 9 bytes a word, one word in eight is new. */
export function generateText(path: string, bytes: number, seed = 1): void {
  const random = randomFrom(seed);
  const common = Array.from({ length: 30_000 }, (_, i) => identifier(i, random));
  const rare = Math.ceil(bytes / 45);
  writeLines(path, bytes, () => {
    const words = 2 + Math.floor(random() * 10);
    let line = " ".repeat(2 * Math.floor(random() * 4));
    for (let i = 0; i < words; i++) {
      // Cubing a uniform number gives the skew of real text.
      const isCommon = random() < 0.82;
      const word = isCommon
        ? common[Math.floor(random() ** 3 * common.length)]
        : `id_${Math.floor(random() * rare).toString(36)}`;
      line += i === 0 ? word : ` ${word}`;
    }
    return line;
  });
}

/** Writes lines of 99 random printable characters: W2's records of 100 bytes with a key of 10. */
export function generateRecords(path: string, bytes: number, seed = 1): void {
  const random = randomFrom(seed);
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const filler = "x".repeat(80);
  writeLines(path, bytes, () => {
    let key = "";
    for (let i = 0; i < 10; i++) key += letters[Math.floor(random() * letters.length)];
    return `${key} ${filler}${Math.floor(random() * 1e8)
      .toString()
      .padStart(8, "0")}`;
  });
}

function identifier(i: number, random: () => number): string {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  let word = "";
  const length = 2 + Math.floor(random() * 9);
  for (let k = 0; k < length; k++) word += letters[Math.floor(random() ** 2 * letters.length)];
  return i % 4 === 0 ? `${word}${i.toString(36)};` : word;
}

function writeLines(path: string, bytes: number, next: () => string): void {
  const file = openSync(path, "w");
  let written = 0;
  let text = "";
  while (written + text.length < bytes) {
    text += `${next()}\n`;
    if (text.length >= FLUSH_BYTES) {
      writeSync(file, text);
      written += text.length;
      text = "";
    }
  }
  writeSync(file, text);
  closeSync(file);
}

const COUNTRIES = [
  "de",
  "fr",
  "it",
  "es",
  "nl",
  "be",
  "pl",
  "se",
  "at",
  "pt",
  "gr",
  "cz",
  "hu",
  "dk",
  "fi",
  "ie",
];

/** W3: `orders` lines of order_id,user_id,amount,day, and `users` lines of user_id,country,age in no order. */
export function generateOrders(ordersPath: string, usersPath: string, orders: number, users: number): void {
  const random = randomFrom(3);
  writeRows(ordersPath, "order_id,user_id,amount,day", orders, (i) => {
    const cents = Math.floor(random() ** 2 * 100_000);
    const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
    return `${i},${Math.floor(random() * users)},${amount},${Math.floor(random() * 366)}`;
  });
  // A step that has no factor in common with the number of users visits each of them once.
  const step = 7919;
  writeRows(usersPath, "user_id,country,age", users, (i) => {
    const country = COUNTRIES[Math.floor(random() ** 2 * COUNTRIES.length)];
    return `${(i * step) % users},${country},${18 + Math.floor(random() * 70)}`;
  });
}

/** W4: lines of `from to`; few nodes have many edges that lead to them. Every node has an edge that leaves it. */
export function generateEdges(path: string, nodes: number, edges: number): void {
  const random = randomFrom(4);
  writeRows(path, undefined, edges, (i) => {
    const from = i < nodes ? i : Math.floor(random() * nodes);
    return `${from} ${Math.floor(random() ** 3 * nodes)}`;
  });
}

/** W5: csv of `dimensions` numbers a line, around 16 centres. */
export function generatePoints(path: string, points: number, dimensions = 8): void {
  const random = randomFrom(5);
  const centres = Array.from({ length: 16 }, () => Array.from({ length: dimensions }, () => random() * 100));
  const header = Array.from({ length: dimensions }, (_, i) => `x${i}`).join(",");
  writeRows(path, header, points, () => {
    const centre = centres[Math.floor(random() * centres.length)];
    let line = "";
    for (let d = 0; d < dimensions; d++) {
      const x = centre[d] + (random() + random() + random() - 1.5) * 8;
      line += `${d === 0 ? "" : ","}${Math.round(x * 10000) / 10000}`;
    }
    return line;
  });
}

function writeRows(path: string, header: string | undefined, rows: number, row: (i: number) => string): void {
  const file = openSync(path, "w");
  let text = header === undefined ? "" : `${header}\n`;
  for (let i = 0; i < rows; i++) {
    text += `${row(i)}\n`;
    if (text.length >= FLUSH_BYTES) {
      writeSync(file, text);
      text = "";
    }
  }
  writeSync(file, text);
  closeSync(file);
}

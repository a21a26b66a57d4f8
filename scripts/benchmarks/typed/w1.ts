/** W1 by hand on one thread: words are hashed as bytes into an open table; only new ones are copied. */
import { Output, readChunks } from "./chunks.ts";

const [input = "", output = ""] = process.argv.slice(2);
let mask = (1 << 20) - 1;
/** For each slot: the number of its word + 1, and its hash beside it. */
let slots = new Int32Array(2 * (mask + 1));
let starts = new Uint32Array(1 << 19);
let counts = new Uint32Array(1 << 19);
let arena = new Uint8Array(8 << 20);
let words = 0;

readChunks(input, (bytes, length) => {
  let at = 0;
  while (at < length) {
    while (at < length && isSpace(bytes[at])) at++;
    const from = at;
    let hash = 0;
    while (at < length) {
      const byte = bytes[at];
      if (byte <= 32 && isSpace(byte)) break;
      hash = Math.imul(hash ^ byte, 0x5bd1e995);
      at++;
    }
    if (at > from) count(bytes, from, at, hash ^ (hash >>> 15));
  }
});
const text = new Output(output);
for (let word = 0; word < words; word++) {
  const digits = String(counts[word]);
  const size = starts[word + 1] - starts[word];
  text.reserve(digits.length + size + 2);
  text.bytes.set(arena.subarray(starts[word], starts[word + 1]), text.length);
  text.length += size;
  text.bytes[text.length++] = 9;
  for (let i = 0; i < digits.length; i++) text.bytes[text.length++] = digits.charCodeAt(i);
  text.bytes[text.length++] = 10;
}
text.close();

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function count(bytes: Uint8Array, from: number, to: number, hash: number): void {
  let slot = hash & mask;
  for (;;) {
    const word = slots[2 * slot] - 1;
    if (word < 0) break;
    if (slots[2 * slot + 1] === hash && isEqual(bytes, from, to, word)) {
      counts[word]++;
      return;
    }
    slot = (slot + 1) & mask;
  }
  slots[2 * slot] = words + 1;
  slots[2 * slot + 1] = hash;
  append(bytes, from, to);
  if (2 * words > mask) grow();
}

function isEqual(bytes: Uint8Array, from: number, to: number, word: number): boolean {
  const start = starts[word];
  if (starts[word + 1] - start !== to - from) return false;
  for (let i = from; i < to; i++) if (arena[start + i - from] !== bytes[i]) return false;
  return true;
}

function append(bytes: Uint8Array, from: number, to: number): void {
  const start = starts[words];
  if (start + to - from > arena.length) arena = enlarged(arena, new Uint8Array(2 * arena.length + to - from));
  for (let i = from; i < to; i++) arena[start + i - from] = bytes[i];
  counts[words++] = 1;
  if (words + 1 >= starts.length) {
    starts = enlarged(starts, new Uint32Array(2 * starts.length));
    counts = enlarged(counts, new Uint32Array(2 * counts.length));
  }
  starts[words] = start + to - from;
}

function enlarged<T extends Uint8Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

function grow(): void {
  const old = slots;
  mask = 2 * mask + 1;
  slots = new Int32Array(2 * (mask + 1));
  for (let i = 0; i < old.length; i += 2) {
    if (old[i] === 0) continue;
    let slot = old[i + 1] & mask;
    while (slots[2 * slot] !== 0) slot = (slot + 1) & mask;
    slots[2 * slot] = old[i];
    slots[2 * slot + 1] = old[i + 1];
  }
}

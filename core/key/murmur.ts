/**
 * MurmurHash3_x86_32 (Austin Appleby, public domain) over bytes, strings and words.
 *
 * A string gives what its UTF-8 bytes give; lone surrogates count as their three
 * generalised UTF-8 bytes. Nothing here knows of types of values.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** Mixes one 32-bit word into a running hash. */
export function mixWord(hash: number, word: number): number {
  const k = Math.imul(word, C1);
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), C2);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes the last 1 … 3 bytes. */
export function mixTail(hash: number, word: number): number {
  const k = Math.imul(word, C1);
  return hash ^ Math.imul((k << 15) | (k >>> 17), C2);
}

/** Ends a hash over `length` bytes; unsigned. */
export function finishHash(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hashes bytes [from, to). */
export function hashBytes(bytes: Uint8Array, from: number, to: number, seed: number): number {
  const length = to - from;
  let hash = seed | 0;
  let i = from;
  for (const end = from + (length & ~3); i < end; i += 4) {
    hash = mixWord(hash, bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
  }
  const rest = length & 3;
  if (rest !== 0) {
    let word = bytes[i];
    if (rest > 1) word |= bytes[i + 1] << 8;
    if (rest > 2) word |= bytes[i + 2] << 16;
    hash = mixTail(hash, word);
  }
  return finishHash(hash, length);
}

/** hashBytes of many runs: run i is bytes [offsets[i], offsets[i + 1]). */
export function hashRuns(bytes: Uint8Array, offsets: Uint32Array, seed: number, out: Uint32Array): void {
  // Words are read whole, which a view can at any place.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let run = 0; run + 1 < offsets.length; run++) {
    let i = offsets[run];
    const length = offsets[run + 1] - i;
    let hash = seed | 0;
    for (const end = i + (length & ~3); i < end; i += 4) hash = mixWord(hash, view.getInt32(i, true));
    const rest = length & 3;
    if (rest !== 0) {
      let word = bytes[i];
      if (rest > 1) word |= bytes[i + 1] << 8;
      if (rest > 2) word |= bytes[i + 2] << 16;
      hash = mixTail(hash, word);
    }
    out[run] = finishHash(hash, length);
  }
}

/** Hashes a string as its UTF-8 bytes; ASCII is never encoded. */
export function hashString(text: string, seed: number): number {
  const length = text.length;
  let hash = seed | 0;
  let seen = 0;
  let i = 0;
  for (const end = length & ~3; i < end; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    seen |= a | b | c | d;
    hash = mixWord(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  const rest = length & 3;
  if (rest !== 0) {
    let word = 0;
    for (let k = 0; k < rest; k++) {
      const unit = text.charCodeAt(i + k);
      seen |= unit;
      word |= unit << (8 * k);
    }
    hash = mixTail(hash, word);
  }
  if (seen < 0x80) return finishHash(hash, length);
  const bytes = new Uint8Array(3 * length);
  return hashBytes(bytes, 0, encodeGeneralised(text, bytes), seed);
}

/** Writes a string as generalised UTF-8 (WTF-8) and tells how many bytes that took. */
function encodeGeneralised(text: string, bytes: Uint8Array): number {
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0;
    if (point < 0x80) {
      bytes[at++] = point;
    } else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
      bytes[at++] = 0x80 | (point & 63);
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12);
      bytes[at++] = 0x80 | ((point >> 6) & 63);
      bytes[at++] = 0x80 | (point & 63);
    } else {
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 63);
      bytes[at++] = 0x80 | ((point >> 6) & 63);
      bytes[at++] = 0x80 | (point & 63);
      i++;
    }
  }
  return at;
}

/**
 * Reads and passes over single JSON values in bytes.
 *
 * What is not certainly the value that JSON.parse reads is told as such, and left
 * to it. Every line ends with a line feed, which no value holds, so that nothing
 * here looks beyond it. Knows nothing of records or columns.
 */
import { decimalOf } from "./decimal.ts";

/** Where a value ended. */
export interface ValueEnd {
  at: number;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** More deeply nested values are left to JSON.parse. */
const MAX_DEPTH = 100;
/** What stands for itself behind a backslash, or for a control character. */
const ESCAPES = new Uint8Array(128);
for (const [letter, code] of Object.entries({
  '"': 34,
  "\\": 92,
  "/": 47,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
})) {
  ESCAPES[letter.charCodeAt(0)] = code;
}

/** The number that begins at `start`, with its end in `end`; NaN when there is none. */
export function jsonNumber(bytes: Uint8Array, start: number, end: ValueEnd): number {
  const isNegative = bytes[start] === 45;
  const at = skipNumber(bytes, start);
  if (at < 0) return Number.NaN;
  end.at = at;
  for (let i = start; i < at; i++) {
    if (bytes[i] >= 69) return JSON.parse(decoder.decode(bytes.subarray(start, at)));
  }
  const value = decimalOf(bytes, isNegative ? start + 1 : start, at);
  if (Number.isNaN(value)) return JSON.parse(decoder.decode(bytes.subarray(start, at)));
  return isNegative ? -value : value;
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let i = at;
  while (bytes[i] >= 48 && bytes[i] <= 57) i++;
  return i;
}

/** Behind an exponent whose letter is at `at`; -1 when it has no digits. */
function exponentEnd(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  if (bytes[i] === 43 || bytes[i] === 45) i++;
  const first = i;
  while (bytes[i] >= 48 && bytes[i] <= 57) i++;
  return i === first ? -1 : i;
}

/** Behind the value that begins at `at`; -1 when it is not certainly one. */
export function skipValue(bytes: Uint8Array, at: number, depth = 0): number {
  switch (bytes[at]) {
    case 34:
      return skipString(bytes, at);
    case 91:
      return depth < MAX_DEPTH ? skipArray(bytes, at, depth + 1) : -1;
    case 123:
      return depth < MAX_DEPTH ? skipObject(bytes, at, depth + 1) : -1;
    case 102:
      return isWord(bytes, at + 1, 97, 108, 115) && bytes[at + 4] === 101 ? at + 5 : -1;
    case 110:
      return isWord(bytes, at + 1, 117, 108, 108) ? at + 4 : -1;
    case 116:
      return isWord(bytes, at + 1, 114, 117, 101) ? at + 4 : -1;
    default:
      return skipNumber(bytes, at);
  }
}

function isWord(bytes: Uint8Array, at: number, a: number, b: number, c: number): boolean {
  return bytes[at] === a && bytes[at + 1] === b && bytes[at + 2] === c;
}

function skipNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === 45 ? at + 1 : at;
  let i = digitsEnd(bytes, first);
  if (i === first || (bytes[first] === 48 && i - first > 1)) return -1;
  if (bytes[i] === 46) {
    const point = ++i;
    i = digitsEnd(bytes, i);
    if (i === point) return -1;
  }
  return bytes[i] === 101 || bytes[i] === 69 ? exponentEnd(bytes, i) : i;
}

function skipString(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  for (;;) {
    const c = bytes[i];
    if (c === 34) return i + 1;
    if (c === 92) {
      const length = escapeLength(bytes, i);
      if (length === 0) return -1;
      i += length;
    } else if (c >= 32) i++;
    else return -1;
  }
}

/** Bytes of the escape whose backslash is at `at`; 0 when it is none. */
export function escapeLength(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1];
  if (letter === 117) return unitAt(bytes, at) < 0 ? 0 : 6;
  return ESCAPES[letter] > 0 ? 2 : 0;
}

/** The UTF-16 unit of the \uXXXX at `at`; -1 when it is none. */
function unitAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 92 || bytes[at + 1] !== 117) return -1;
  let value = 0;
  for (let i = at + 2; i < at + 6; i++) {
    const c = bytes[i];
    const letter = c | 32;
    if (c >= 48 && c <= 57) value = value * 16 + c - 48;
    else if (letter >= 97 && letter <= 102) value = value * 16 + letter - 87;
    else return -1;
  }
  return value;
}

/**
 * Writes what the escape at `at` stands for to out[to …): eight times the bytes that it takes and the bytes that
 * were written; 0 when it is none, or half of a pair.
 */
export function unescapeInto(bytes: Uint8Array, at: number, out: Uint8Array, to: number): number {
  const letter = bytes[at + 1];
  if (letter !== 117) {
    out[to] = ESCAPES[letter];
    return ESCAPES[letter] > 0 ? (2 << 3) | 1 : 0;
  }
  const high = unitAt(bytes, at);
  if (high < 0) return 0;
  if (high < 0xd800 || high > 0xdfff) return (6 << 3) | writeCodePoint(high, out, to);
  const low = high < 0xdc00 ? unitAt(bytes, at + 6) : -1;
  if (low < 0xdc00 || low > 0xdfff) return 0;
  return (12 << 3) | writeCodePoint(0x10000 + ((high - 0xd800) << 10) + low - 0xdc00, out, to);
}

function writeCodePoint(code: number, out: Uint8Array, to: number): number {
  if (code < 0x80) {
    out[to] = code;
    return 1;
  }
  const length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = length - 1, rest = code; i > 0; i--, rest >>= 6) out[to + i] = 0x80 | (rest & 63);
  out[to] = ((0xf00 >> length) & 0xff) | (code >> (6 * (length - 1)));
  return length;
}

function skipArray(bytes: Uint8Array, at: number, depth: number): number {
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === 93) return i + 1;
  for (;;) {
    i = skipValue(bytes, i, depth);
    if (i < 0) return -1;
    i = skipSpace(bytes, i);
    if (bytes[i] === 93) return i + 1;
    if (bytes[i] !== 44) return -1;
    i = skipSpace(bytes, i + 1);
  }
}

function skipObject(bytes: Uint8Array, at: number, depth: number): number {
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === 125) return i + 1;
  for (;;) {
    if (bytes[i] !== 34) return -1;
    i = skipString(bytes, i);
    if (i < 0) return -1;
    i = skipSpace(bytes, i);
    if (bytes[i] !== 58) return -1;
    i = skipValue(bytes, skipSpace(bytes, i + 1), depth);
    if (i < 0) return -1;
    i = skipSpace(bytes, i);
    if (bytes[i] === 125) return i + 1;
    if (bytes[i] !== 44) return -1;
    i = skipSpace(bytes, i + 1);
  }
}

/** Not over a line feed, which ends the record. */
function skipSpace(bytes: Uint8Array, at: number): number {
  let i = at;
  while (bytes[i] === 32 || bytes[i] === 9 || bytes[i] === 13) i++;
  return i;
}

/** Tells whether bytes [start, end) are UTF-8 as TextDecoder has it: no surrogates, nothing longer than it need be. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; ) {
    const c = bytes[i++];
    if (c < 0x80) continue;
    const more = c < 0xc2 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 0;
    if (more === 0 || i + more > end) return false;
    const next = bytes[i];
    if ((c === 0xe0 && next < 0xa0) || (c === 0xed && next > 0x9f)) return false;
    if ((c === 0xf0 && next < 0x90) || (c === 0xf4 && next > 0x8f)) return false;
    for (const last = i + more; i < last; i++) if ((bytes[i] & 0xc0) !== 0x80) return false;
  }
  return true;
}

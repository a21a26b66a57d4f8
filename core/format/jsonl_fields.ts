/**
 * Reads JSON values into the buffers of their columns: what the generated loops call.
 *
 * Each function takes the value at `at`, writes it as that of `row` and gives its end; -1
 * when it is no such value or an unusual one. Bytes are looked at four at a time up to
 * `word`, the last place where there are four.
 */
import { decimalOf } from "./decimal.ts";
import type { JsonBuffer } from "./jsonl_buffers.ts";
import type { NameRun } from "./jsonl_loop_source.ts";
import { escapeLength, isUtf8, jsonNumber, skipValue, unescapeInto, type ValueEnd } from "./jsonl_values.ts";
import type { BooleanBuffer, NumericBuffer, StringBuffer } from "./loop_buffers.ts";

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const CLOSE = 125;
/** "null", "true" and "fals" as little-endian words. */
const NULL = 0x6c6c756e;
const TRUE = 0x65757274;
const FALS = 0x736c6166;
const POWERS = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
const END: ValueEnd = { at: 0 };

function numberInto(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  word: number,
  buffer: NumericBuffer,
  row: number,
): number {
  let i = at;
  let n = 0;
  let decimals = 0;
  const isNegative = bytes[i] === 45;
  if (isNegative) i++;
  const first = i;
  let c = bytes[i];
  for (; c >= 48 && c <= 57; c = bytes[++i]) n = (Math.imul(n, 10) + (c - 48)) | 0;
  let digits = i - first;
  let isPlain = digits === 1 || (digits > 1 && bytes[first] !== 48);
  if (c === 46) {
    const point = ++i;
    for (c = bytes[i]; c >= 48 && c <= 57; c = bytes[++i]) n = (Math.imul(n, 10) + (c - 48)) | 0;
    decimals = i - point;
    digits += decimals;
    if (decimals === 0) isPlain = false;
  }
  let value = Number.NaN;
  // More than nine digits may not have fitted.
  if (isPlain && (c === COMMA || c === CLOSE)) {
    value = digits > 9 ? decimalOf(bytes, first, i) : n / POWERS[decimals];
    if (isNegative) value = -value;
  }
  if (Number.isNaN(value)) {
    value = jsonNumber(bytes, at, END);
    if (Number.isNaN(value)) {
      buffer.values[row] = 0;
      return absentInto(view, at, word, buffer, row);
    }
    i = END.at;
  }
  buffer.values[row] = value;
  return i;
}

function booleanInto(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  word: number,
  buffer: BooleanBuffer,
  row: number,
): number {
  const four = at > word ? 0 : view.getInt32(at, true);
  buffer.flags[row] = four === TRUE ? 1 : 0;
  if (four === TRUE) return at + 4;
  if (four === FALS && bytes[at + 4] === 101) return at + 5;
  return absentInto(view, at, word, buffer, row);
}

function stringInto(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  word: number,
  buffer: StringBuffer,
  row: number,
): number {
  if (bytes[at] !== QUOTE) {
    buffer.offsets[row + 1] = buffer.used;
    return absentInto(view, at, word, buffer, row);
  }
  const out = buffer.bytes;
  const output = buffer.view;
  let to = buffer.used;
  let i = at + 1;
  let seen = 0;
  for (;;) {
    let c = 0;
    if (i > word) {
      c = bytes[i];
      if (c > 31 && c !== QUOTE && c !== BACKSLASH) {
        out[to++] = c;
        seen |= c;
        i++;
        continue;
      }
    } else {
      const four = view.getInt32(i, true);
      const ends = endsAmong(four);
      output.setInt32(to, four, true);
      if (ends === 0) {
        seen |= four;
        i += 4;
        to += 4;
        continue;
      }
      const plain = (31 - Math.clz32(ends & -ends)) >> 3;
      seen |= four & ((1 << (plain << 3)) - 1);
      i += plain;
      to += plain;
      c = bytes[i];
    }
    if (c === QUOTE) break;
    const taken = c === BACKSLASH ? unescapeInto(bytes, i, out, to) : 0;
    if (taken === 0) return -1;
    i += taken >> 3;
    to += taken & 7;
  }
  if ((seen & 0x80808080) !== 0 && !isUtf8(bytes, at + 1, i)) return -1;
  buffer.used = to;
  buffer.offsets[row + 1] = to;
  return i + 1;
}

/** The text is checked and copied together, as one value among those that are parsed later. */
function jsonInto(
  bytes: Uint8Array,
  _view: DataView,
  at: number,
  _word: number,
  buffer: JsonBuffer,
  row: number,
): number {
  const end = skipValue(bytes, at, 0);
  if (end < 0) return -1;
  const out = buffer.bytes;
  let to = buffer.used;
  for (let i = at; i < end; i++) out[to++] = bytes[i];
  out[to++] = COMMA;
  buffer.used = to;
  buffer.offsets[row + 1] = to;
  return end;
}

function absentInto(
  view: DataView,
  at: number,
  word: number,
  buffer: { setAbsent(row: number): void },
  row: number,
): number {
  const end = skipNull(view, at, word);
  if (end >= 0) buffer.setAbsent(row);
  return end;
}

function skipNull(view: DataView, at: number, word: number): number {
  return at <= word && view.getInt32(at, true) === NULL ? at + 4 : -1;
}

/** The high bit of the first byte that is a quote, a backslash or a control character, and perhaps bits behind it; 0 without. */
function endsAmong(four: number): number {
  const quotes = four ^ 0x22222222;
  const slashes = four ^ 0x5c5c5c5c;
  const ends = ((quotes - 0x01010101) & ~quotes) | ((slashes - 0x01010101) & ~slashes);
  return (ends | ((four - 0x20202020) & ~four)) & 0x80808080;
}

/** From the quote at `at`. */
function skipText(bytes: Uint8Array, view: DataView, at: number, word: number): number {
  let i = at + 1;
  for (;;) {
    let c = 0;
    if (i > word) {
      c = bytes[i];
      if (c > 31 && c !== QUOTE && c !== BACKSLASH) {
        i++;
        continue;
      }
    } else {
      const four = view.getInt32(i, true);
      const ends = endsAmong(four);
      if (ends === 0) {
        i += 4;
        continue;
      }
      i += (31 - Math.clz32(ends & -ends)) >> 3;
      c = bytes[i];
    }
    if (c === QUOTE) return i + 1;
    const length = c === BACKSLASH ? escapeLength(bytes, i) : 0;
    if (length === 0) return -1;
    i += length;
  }
}

/** Passes over properties whose names must be those of the run; no name holds a line end, so none is looked beyond. */
function skipRun(bytes: Uint8Array, view: DataView, at: number, word: number, run: NameRun): number {
  const names = run.bytes;
  const { ends } = run;
  let i = at;
  let k = 0;
  for (let n = 0; n < ends.length; n++) {
    if (n > 0) {
      if (bytes[i] !== COMMA) return -1;
      i++;
      if (bytes[i] === SPACE) i++;
    }
    for (const end = ends[n]; k < end; k++, i++) if (bytes[i] !== names[k]) return -1;
    if (bytes[i] === SPACE) i++;
    i = bytes[i] === QUOTE ? skipText(bytes, view, i, word) : skipValue(bytes, i, 0);
    if (i < 0) return -1;
  }
  return i;
}

/** By the names that the generated text has for them. */
export const JSONL_TOOLS = {
  number: numberInto,
  string: stringInto,
  boolean: booleanInto,
  json: jsonInto,
  nothing: skipNull,
  skip: skipValue,
  skipText,
  skipRun,
};

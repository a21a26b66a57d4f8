/**
 * Reads CSV fields into the buffers of their columns: what the generated loops call.
 *
 * Each function takes the field at `at`, writes it as that of `row` and gives where it ends: at a delimiter or a line
 * end, of which the caller says which it must be; -1 when the field is unusual. The last byte before `limit` is a line
 * end. Knows nothing of which column a field is.
 */
import { parseBoolean, parseNumber } from "./csv_values.ts";
import { parseDate } from "./date_values.ts";
import { decimalOf, POWERS } from "./decimal.ts";
import type { BooleanBuffer, NumericBuffer, StringBuffer } from "./loop_buffers.ts";

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

/** Digits with at most one point, nine in all, are summed as a 32-bit integer; what is not that is looked at again. */
function numberInto(
  bytes: Uint8Array,
  at: number,
  delimiter: number,
  buffer: NumericBuffer,
  row: number,
): number {
  const isNegative = bytes[at] === 45;
  const first = isNegative ? at + 1 : at;
  let i = first;
  let n = 0;
  let decimals = 0;
  let c = bytes[i];
  for (; c >= 48 && c <= 57; c = bytes[++i]) n = (Math.imul(n, 10) + (c - 48)) | 0;
  let digits = i - first;
  if (c === 46) {
    const point = ++i;
    for (c = bytes[i]; c >= 48 && c <= 57; c = bytes[++i]) n = (Math.imul(n, 10) + (c - 48)) | 0;
    decimals = i - point;
    digits += decimals;
  }
  const isEnd = c === delimiter || c === NEWLINE || (c === RETURN && bytes[i + 1] === NEWLINE);
  if (!isEnd || digits === 0) return slowInto(parseNumber, bytes, at, delimiter, buffer, row);
  const value = digits > 9 ? decimalOf(bytes, first, i) : decimals === 0 ? n : n / POWERS[decimals];
  if (Number.isNaN(value)) return slowInto(parseNumber, bytes, at, delimiter, buffer, row);
  buffer.values[row] = isNegative ? -value : value;
  return i;
}

function dateInto(
  bytes: Uint8Array,
  at: number,
  delimiter: number,
  buffer: NumericBuffer,
  row: number,
): number {
  return slowInto(parseDate, bytes, at, delimiter, buffer, row);
}

function slowInto(
  parse: (bytes: Uint8Array, start: number, end: number) => number,
  bytes: Uint8Array,
  at: number,
  delimiter: number,
  buffer: NumericBuffer,
  row: number,
): number {
  const end = fieldEnd(bytes, at, delimiter);
  if (end === at) {
    buffer.values[row] = 0;
    buffer.setAbsent(row);
    return end;
  }
  const value = parse(bytes, at, end);
  buffer.values[row] = value;
  return Number.isNaN(value) ? -1 : end;
}

function booleanInto(
  bytes: Uint8Array,
  at: number,
  delimiter: number,
  buffer: BooleanBuffer,
  row: number,
): number {
  const end = fieldEnd(bytes, at, delimiter);
  const value = end === at ? 0 : parseBoolean(bytes, at, end);
  if (end === at) buffer.setAbsent(row);
  buffer.flags[row] = value;
  return value === 0 || value === 1 ? end : -1;
}

/** A return before a line end is none of the field. */
function fieldEnd(bytes: Uint8Array, at: number, delimiter: number): number {
  let i = at;
  let c = bytes[i];
  while (c !== delimiter && c !== NEWLINE) c = bytes[++i];
  return c === NEWLINE && i > at && bytes[i - 1] === RETURN ? i - 1 : i;
}

/** Four bytes at a time up to the one that ends the field, or that is followed by less than four. */
function stringInto(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
  delimiter: number,
  buffer: StringBuffer,
  row: number,
): number {
  if (bytes[at] === QUOTE) return quotedInto(bytes, at, limit, buffer, row);
  const output = buffer.view;
  const delimiters = Math.imul(delimiter, 0x01010101);
  let to = buffer.used;
  let i = at;
  for (const word = limit - 4; i <= word; i += 4, to += 4) {
    const four = view.getInt32(i, true);
    const other = four ^ delimiters;
    const line = four ^ 0x0a0a0a0a;
    const ends = (((other - 0x01010101) & ~other) | ((line - 0x01010101) & ~line)) & 0x80808080;
    output.setInt32(to, four, true);
    if (ends !== 0) {
      const plain = (31 - Math.clz32(ends & -ends)) >> 3;
      i += plain;
      to += plain;
      break;
    }
  }
  const out = buffer.bytes;
  let c = bytes[i];
  for (; c !== delimiter && c !== NEWLINE; c = bytes[++i]) out[to++] = c;
  if (c === NEWLINE && i > at && bytes[i - 1] === RETURN) {
    i--;
    to--;
  }
  buffer.used = to;
  buffer.offsets[row + 1] = to;
  return i;
}

/** A doubled quote is unusual: no delimiter follows the first of them. */
function quotedInto(bytes: Uint8Array, at: number, limit: number, buffer: StringBuffer, row: number): number {
  const out = buffer.bytes;
  let to = buffer.used;
  let i = at + 1;
  for (; i < limit && bytes[i] !== QUOTE; i++) out[to++] = bytes[i];
  if (i + 1 >= limit) return -1;
  buffer.used = to;
  buffer.offsets[row + 1] = to;
  return i + 1;
}

/** Passes over fields of which each is followed by a delimiter, and gives what comes behind them. */
function skipFields(bytes: Uint8Array, at: number, count: number, limit: number, delimiter: number): number {
  let i = at;
  for (let n = count; n > 0; n--) {
    i = skipField(bytes, i, limit, delimiter);
    if (i < 0 || bytes[i] !== delimiter) return -1;
    i++;
  }
  return i;
}

function skipField(bytes: Uint8Array, at: number, limit: number, delimiter: number): number {
  let i = at;
  let c = bytes[i];
  if (c !== QUOTE) {
    while (c !== delimiter && c !== NEWLINE) c = bytes[++i];
    return i;
  }
  i++;
  while (i < limit && bytes[i] !== QUOTE) i++;
  return i + 1 < limit ? i + 1 : -1;
}

/** By the names that the generated text has for them. */
export const CSV_TOOLS = {
  number: numberInto,
  date: dateInto,
  boolean: booleanInto,
  string: stringInto,
  skipFields,
  skipField,
  powers: POWERS,
};

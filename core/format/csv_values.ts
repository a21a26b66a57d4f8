/**
 * Reads the values of typed CSV fields from their bytes.
 *
 * The common forms are read without making a string; all others go the general
 * way, and both give the same value. Knows nothing of records or columns.
 */
import { decimalOf } from "./decimal.ts";

const decoder = new TextDecoder();

/** NaN when it is not a number. */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  const isNegative = bytes[i] === 45;
  if (isNegative) i++;
  const first = i;
  let digits = 0;
  let points = 0;
  for (; i < end; i++) {
    const digit = bytes[i] - 48;
    if (digit >= 0 && digit <= 9) digits++;
    else if (digit === -2) points++;
    else break;
  }
  const value = i < end || digits === 0 || points > 1 ? Number.NaN : decimalOf(bytes, first, end);
  if (Number.isNaN(value)) return slowNumber(bytes, start, end);
  return isNegative ? -value : value;
}

function slowNumber(bytes: Uint8Array, start: number, end: number): number {
  const text = decoder.decode(bytes.subarray(start, end)).trim();
  // Number() also takes "", "0x10" and "0b1", which nobody means in a table.
  return /^[+-]?(\d|\.\d|Infinity$)/.test(text) && !/^[+-]?0[xXbBoO]/.test(text) ? Number(text) : Number.NaN;
}

/** What parseBoolean gives of no text. */
export const NO_TEXT = 2;

/** 1, 0 or NO_TEXT; -1 when it is not a boolean. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && (bytes[start] === 48 || bytes[start] === 49)) return bytes[start] - 48;
  // In lower case, which of other characters gives no letter.
  const a = bytes[start] | 32;
  const b = bytes[start + 1] | 32;
  const c = bytes[start + 2] | 32;
  const d = bytes[start + 3] | 32;
  if (end - start === 4 && a === 116 && b === 114 && c === 117 && d === 101) return 1;
  if (end - start === 5 && a === 102 && b === 97 && c === 108 && d === 115 && (bytes[end - 1] | 32) === 101) {
    return 0;
  }
  // The longest one is "false" behind a byte order mark.
  if (end - start > 8) return -1;
  const text = decoder.decode(bytes.subarray(start, end)).toLowerCase();
  if (text === "") return NO_TEXT;
  if (text === "true" || text === "1") return 1;
  return text === "false" || text === "0" ? 0 : -1;
}

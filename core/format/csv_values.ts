/**
 * Reads the values of typed CSV fields from their bytes.
 *
 * The common forms are read without making a string; all others go the general
 * way, and both give the same value. Knows nothing of records or columns.
 */
const decoder = new TextDecoder();
/** The powers of ten that are exact in a double. */
export const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Integers below it are exact in a double, so that one division rounds as the whole decimal would. */
const EXACT = 2 ** 53;

/** NaN when it is not a number. */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  const isNegative = bytes[i] === 45;
  if (isNegative) i++;
  let digits = 0;
  let decimals = -1;
  let value = 0;
  for (; i < end; i++) {
    const digit = bytes[i] - 48;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
      if (decimals >= 0) decimals++;
    } else if (digit === -2 && decimals < 0) decimals = 0;
    else break;
  }
  // A sum that was rounded on the way is not below EXACT.
  if (i < end || digits === 0 || value >= EXACT || decimals >= POWERS.length) {
    return slowNumber(bytes, start, end);
  }
  if (decimals > 0) value /= POWERS[decimals];
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

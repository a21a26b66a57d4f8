/**
 * Reads the values of typed CSV fields from their bytes.
 *
 * The common forms are read without making a string; all others go the general
 * way, and both give the same value. Knows nothing of records or columns.
 */
const ISO_DATE = /^([+-]\d{6}|\d{4})-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const decoder = new TextDecoder();
/** The powers of ten that are exact in a double. */
export const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Integers below it are exact in a double, so that one division rounds as the whole decimal would. */
const EXACT = 2 ** 53;
const DAY_MS = 86_400_000;
/** February has 28 here: on its 29th the general way decides. */
const DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

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

/** Milliseconds, NaN when it is not a date; without a zone the time is UTC, so that every host reads the same. */
export function parseDate(bytes: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size === 10 || (size >= 19 && size <= 24)) {
    const fast = dayMs(bytes, start) + (size === 10 ? 0 : timeMs(bytes, start + 10, end));
    if (!Number.isNaN(fast)) return fast;
  }
  return slowDate(bytes, start, end);
}

function slowDate(bytes: Uint8Array, start: number, end: number): number {
  const text = decoder.decode(bytes.subarray(start, end));
  const match = ISO_DATE.exec(text);
  if (match === null) return Number.NaN;
  const iso = text.replace(" ", "T");
  return Date.parse(iso.includes("T") && match[2] === undefined ? `${iso}Z` : iso);
}

/** Of yyyy-mm-dd from 1970 on. */
function dayMs(bytes: Uint8Array, at: number): number {
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  const isPlain = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS_IN[month - 1];
  if (!isPlain || bytes[at + 4] !== 45 || bytes[at + 7] !== 45) return Number.NaN;
  // February 29 lies before this day in as many of the years.
  const leapYears = month > 2 ? year : year - 1;
  const leapDays =
    Math.floor(leapYears / 4) - Math.floor(leapYears / 100) + Math.floor(leapYears / 400) - 477;
  return ((year - 1970) * 365 + leapDays + DAYS_BEFORE[month - 1] + day - 1) * DAY_MS;
}

/** Of Thh:mm:ss, .mmm or Z or both behind it. */
function timeMs(bytes: Uint8Array, at: number, end: number): number {
  const hour = twoDigits(bytes, at + 1);
  const minute = twoDigits(bytes, at + 4);
  const second = twoDigits(bytes, at + 7);
  const isPlain = (bytes[at] === 84 || bytes[at] === 32) && bytes[at + 3] === 58 && bytes[at + 6] === 58;
  if (!isPlain || !(hour < 24 && minute < 60 && second < 60)) return Number.NaN;
  const left = end - at - 9 - (bytes[end - 1] === 90 ? 1 : 0);
  const whole = (hour * 3600 + minute * 60 + second) * 1000;
  if (left === 0) return whole;
  const tenths = bytes[at + 10] - 48;
  if (left !== 4 || bytes[at + 9] !== 46 || !(tenths >= 0 && tenths <= 9)) return Number.NaN;
  return whole + tenths * 100 + twoDigits(bytes, at + 11);
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - 48;
  const ones = bytes[at + 1] - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** What parseBoolean gives of no text. */
export const NO_TEXT = 2;

/** 1, 0 or NO_TEXT; -1 when it is not a boolean. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && (bytes[start] === 48 || bytes[start] === 49)) return bytes[start] - 48;
  // The longest one is "false" behind a byte order mark.
  if (end - start > 8) return -1;
  const text = decoder.decode(bytes.subarray(start, end)).toLowerCase();
  if (text === "") return NO_TEXT;
  if (text === "true" || text === "1") return 1;
  return text === "false" || text === "0" ? 0 : -1;
}

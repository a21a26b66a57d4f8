/**
 * Reads dates as ISO 8601 writes them from their bytes.
 *
 * The common forms are read without making a string; all others go the general
 * way, and both give the same value. Knows nothing of records or columns.
 */
const ISO_DATE = /^([+-]\d{6}|\d{4})-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const decoder = new TextDecoder();
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** February has 28 here: on its 29th the general way decides. */
const DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Milliseconds, NaN when it is not a date; without a zone the time is UTC, so that every host reads the same. */
export function parseDate(bytes: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size >= 10) {
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

/** Of yyyy-mm-dd. */
function dayMs(bytes: Uint8Array, at: number): number {
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  const isPlain = year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS_IN[month - 1];
  if (!isPlain || bytes[at + 4] !== 45 || bytes[at + 7] !== 45) return Number.NaN;
  // February 29 lies before this day in as many of the years.
  const leapYears = month > 2 ? year : year - 1;
  const leapDays =
    Math.floor(leapYears / 4) - Math.floor(leapYears / 100) + Math.floor(leapYears / 400) - 477;
  return ((year - 1970) * 365 + leapDays + DAYS_BEFORE[month - 1] + day - 1) * DAY_MS;
}

/** Of Thh:mm, maybe with :ss, with up to nine decimals of it, and with Z or the distance from it. */
function timeMs(bytes: Uint8Array, at: number, end: number): number {
  const hour = twoDigits(bytes, at + 1);
  const minute = twoDigits(bytes, at + 4);
  const isPlain = (bytes[at] === 84 || bytes[at] === 32) && bytes[at + 3] === 58;
  if (!isPlain || end < at + 6 || !(hour < 24 && minute < 60)) return Number.NaN;
  let ms = (hour * 60 + minute) * MINUTE_MS;
  let i = at + 6;
  if (i < end && bytes[i] === 58) {
    const second = twoDigits(bytes, i + 1);
    i += 3;
    if (i > end || !(second < 60)) return Number.NaN;
    ms += second * 1000;
    if (i < end && bytes[i] === 46) {
      const first = ++i;
      // What is less than a millisecond is cut off.
      for (let unit = 100; i < end && bytes[i] >= 48 && bytes[i] <= 57; i++, unit /= 10) {
        if (unit >= 1) ms += (bytes[i] - 48) * unit;
      }
      if (i === first || i - first > 9) return Number.NaN;
    }
  }
  if (i === end) return ms;
  return i + 1 === end && bytes[i] === 90 ? ms : ms - zoneMs(bytes, i, end);
}

/** Of +hh:mm or -hh:mm. */
function zoneMs(bytes: Uint8Array, at: number, end: number): number {
  const hour = twoDigits(bytes, at + 1);
  const minute = twoDigits(bytes, at + 4);
  const sign = bytes[at];
  const isPlain = end === at + 6 && (sign === 43 || sign === 45) && bytes[at + 3] === 58;
  if (!isPlain || !(hour < 24 && minute < 60)) return Number.NaN;
  return (sign === 45 ? -MINUTE_MS : MINUTE_MS) * (hour * 60 + minute);
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - 48;
  const ones = bytes[at + 1] - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

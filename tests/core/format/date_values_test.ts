/** Dates from bytes: all forms must be read as the engine reads their text. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDate } from "../../../core/format/date_values.ts";

const FORM = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** What is read of the text: Date.parse of the forms that are taken, as UTC where no zone is given. */
function expected(text: string): number {
  const match = FORM.exec(text);
  if (match === null) return Number.NaN;
  const iso = text.replace(" ", "T");
  return Date.parse(iso.length === 10 || match[1] !== undefined ? iso : `${iso}Z`);
}

function check(text: string): void {
  // Among other bytes, which must not be looked at.
  const bytes = new TextEncoder().encode(`12${text}:34.56Z`);
  expect({ text, ms: parseDate(bytes, 2, 2 + text.length) }).toEqual({ text, ms: expected(text) });
}

const padded = (max: number, length = 2) =>
  fc.integer({ min: 0, max }).map((n) => String(n).padStart(length, "0"));
const time = fc.oneof(
  fc.tuple(padded(25), padded(61)).map((all) => all.join(":")),
  fc.tuple(padded(25), padded(61), padded(61)).map((all) => all.join(":")),
  fc
    .tuple(padded(23), padded(59), padded(59), fc.stringMatching(/^\d{0,10}$/))
    .map(([h, m, s, decimals]) => `${h}:${m}:${s}.${decimals}`),
);
const zone = fc.oneof(
  fc.constantFrom("", "", "Z", "z", "+0100", "+01", "+24:00", "-00:00"),
  fc.tuple(fc.constantFrom("+", "-"), padded(25), padded(61)).map(([sign, h, m]) => `${sign}${h}:${m}`),
);
const date = fc.tuple(padded(9999, 4), padded(13), padded(32)).map((all) => all.join("-"));
const text = fc.oneof(
  date,
  fc.tuple(date, fc.constantFrom("T", " ", "t"), time, zone).map((all) => all.join("")),
);

test("parseDate() gives what Date.parse() gives when days, times and zones are random", () => {
  fc.assert(fc.property(text, check), { numRuns: 10_000 });
});

test("parseDate() gives what Date.parse() gives when a date is cut or changed in one place", () => {
  const change = fc.constantFrom("", "0", "9", ":", ".", "Z", "-", "+", "T", " ", "é", "x");
  fc.assert(
    fc.property(text, fc.nat(35), fc.boolean(), change, (own, at, isCut, by) =>
      check(own.slice(0, at) + by + (isCut ? "" : own.slice(at + 1))),
    ),
    { numRuns: 10_000 },
  );
});

test("parseDate() knows every day of some years", () => {
  for (const year of [
    "0000",
    "0001",
    "0100",
    "0400",
    "1600",
    "1899",
    "1900",
    "1970",
    "2000",
    "2024",
    "9999",
  ]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        check(`${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`);
      }
    }
  }
});

/** Arbitrary keys for tests of sorting: of one kind, of mixed kinds, and with many duplicates. */
import fc from "fast-check";

const NUMBERS = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double(),
  fc.constantFrom(Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const STRINGS = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.string({ unit: "binary", maxLength: 9 }),
  fc.constantFrom("prefix-a", "prefix-b", "prefix-", "", "\u0000", "\u{10000}", "\uffff"),
);
const DATES = fc.date({ noInvalidDate: false });
const SIMPLE = fc.oneof(NUMBERS, STRINGS, DATES, fc.boolean(), fc.bigInt({ min: -3n, max: 3n }));

/** Lists of keys, each list of one of many flavours. */
export const keyLists: fc.Arbitrary<unknown[]> = fc.oneof(
  ...[
    NUMBERS,
    fc.integer({ min: 0, max: 3 }),
    STRINGS,
    fc.constantFrom("a", "b", "prefix-1", "prefix-2"),
    DATES,
    fc.boolean(),
    fc.option(NUMBERS, { freq: 3 }),
    fc.option(STRINGS, { nil: undefined, freq: 3 }),
    fc.tuple(STRINGS, NUMBERS),
    fc.tuple(fc.integer({ min: 0, max: 2 }), fc.option(STRINGS)),
    fc.record({ a: fc.integer({ min: 0, max: 2 }), b: STRINGS }),
    fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
    fc.oneof(SIMPLE, fc.constantFrom(null, undefined), fc.tuple(SIMPLE)),
  ].map((key) => fc.array<unknown>(key, { maxLength: 120, size: "max" })),
);

/** The same rows with invalid dates as texts: toEqual takes no two of them for equal. */
export function plain(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

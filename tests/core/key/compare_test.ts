import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compareValues, equalValues } from "../../../core/key/compare.ts";
import { hashValue } from "../../../core/key/hash.ts";
import { arbitraryKey, exactly } from "../batch/values.ts";

/** Keys of which many are equal or nearly so. */
const near = fc.oneof(
  arbitraryKey,
  fc.constantFrom<unknown>(null, undefined, 0, -0, Number.NaN, 1, 1n, 0n, "", "1", true, [], {}, [0], [-0]),
  fc.array(fc.constantFrom<unknown>(0, -0, "a", null), { maxLength: 2 }),
  fc.record({ a: fc.constantFrom(0, 1), b: fc.constantFrom(0, 1) }, { requiredKeys: [] }),
);

/** In the order of docs/internals.md, no two equal. */
const ASCENDING: readonly unknown[] = [
  undefined,
  null,
  false,
  true,
  Number.NEGATIVE_INFINITY,
  -1.5,
  0,
  5e-324,
  2,
  10,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  -(10n ** 30n),
  0n,
  10n ** 30n,
  "",
  "Z",
  "a",
  "a\0",
  "aa",
  "é",
  "\uffff",
  "\u{10000}",
  "😀",
  new Date(-1),
  new Date(0),
  new Date(Number.NaN),
  new Uint8Array(0),
  Uint8Array.of(0),
  Uint8Array.of(0, 1),
  Uint8Array.of(1),
  [],
  [undefined],
  [1],
  [1, null],
  [2],
  ["a"],
  {},
  { a: 1 },
  { a: 1, b: 0 },
  { c: 0, a: 1 },
  { a: 2 },
  { b: 0 },
];

describe("compareValues", () => {
  test("compareValues() orders all types as the order says", () => {
    ASCENDING.forEach((a, i) => {
      ASCENDING.forEach((b, j) => {
        expect(`${exactly(a)} ${Math.sign(compareValues(a, b))} ${exactly(b)}`).toBe(
          `${exactly(a)} ${Math.sign(i - j)} ${exactly(b)}`,
        );
      });
    });
  });

  test("compareValues() is a total order", () => {
    fc.assert(
      fc.property(near, near, near, (a, b, c) => {
        // In arrays of one, as sort() never compares undefined.
        const [[x], [y], [z]] = [[a], [b], [c]].sort(([p], [q]) => compareValues(p, q));
        expect(compareValues(x, y)).toBeLessThanOrEqual(0);
        expect(compareValues(y, z)).toBeLessThanOrEqual(0);
        expect(compareValues(x, z)).toBeLessThanOrEqual(0);
        expect(Math.sign(compareValues(a, b))).toBe(0 - Math.sign(compareValues(b, a)));
        expect(compareValues(a, a)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  test("compareValues() orders strings as their UTF-8 bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareValues(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
  });

  test("equalValues() agrees with the order, and equal keys hash alike", () => {
    fc.assert(
      fc.property(near, near, (a, b) => {
        const isEqual = compareValues(a, b) === 0;
        expect(equalValues(a, b)).toBe(isEqual);
        if (isEqual) expect(hashValue(a)).toBe(hashValue(b));
      }),
      { numRuns: 2000 },
    );
  });

  test("equalValues() looks at values, not at objects or the order of properties", () => {
    expect(equalValues([{ a: 1, b: [-0, Number.NaN] }], [{ b: [0, Number.NaN], a: 1 }])).toBe(true);
    expect(equalValues(1, 1n)).toBe(false);
    expect(equalValues({ a: undefined }, {})).toBe(false);
    expect(equalValues([undefined], [null])).toBe(false);
  });

  test("compareValues() refuses what is no key", () => {
    expect(() => compareValues(new Map(), 1)).toThrow(
      new TypeError("Cannot use a value as a key: it is a Map"),
    );
    expect(() => compareValues(1, () => 1)).toThrow(TypeError);
  });
});

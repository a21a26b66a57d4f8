import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatColumns, sliceColumn } from "../../../core/batch/gather.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { compareValues } from "../../../core/key/compare.ts";
import { columnComparator, sortIndices } from "../../../core/key/compare_columns.ts";
import { arbitraryKey } from "../batch/values.ts";

const number = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, 1, 1, 2),
  fc.integer({ min: -3, max: 3 }),
);
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0"), maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.constantFrom("https://example.org/a", "https://example.org/b", "https://example.org/"),
);
const key = fc.oneof(number, text);

/** Columns of keys, mostly of one kind, with many ties. */
const column = fc.oneof(
  ...[
    ...[arbitraryKey, key, number, text, fc.boolean(), fc.date({ noInvalidDate: false }), fc.option(number)],
    ...[fc.option(text, { nil: undefined }), fc.option(fc.boolean()), fc.uint8Array({ maxLength: 2 })],
    ...[fc.constantFrom(null), fc.bigInt(), fc.array(number, { maxLength: 3 })],
    fc.option(fc.tuple(fc.option(fc.constantFrom("a", "b")), fc.option(fc.constantFrom(1, 2)))),
    fc.tuple(text, fc.array(fc.option(fc.boolean()), { maxLength: 2 }), arbitraryKey),
    fc.record({ b: fc.constantFrom(1, 2), a: fc.option(fc.constantFrom("x", "y")) }),
    fc.record({ a: fc.constantFrom("x", "y"), b: fc.constantFrom(1, 2) }),
  ].map((row: fc.Arbitrary<unknown>) => fc.array(row, { maxLength: 25 })),
);

function sorted(values: readonly unknown[], descending: boolean): number[] {
  const compare = (i: number, j: number) => compareValues(values[i], values[j]);
  return [...values.keys()].sort((i, j) => (descending ? compare(j, i) : compare(i, j)) || i - j);
}

describe("columnComparator", () => {
  test("columnComparator() agrees with compareValues when columns are alike or not", () => {
    fc.assert(
      fc.property(column, column, (a, b) => {
        const compare = columnComparator(columnOf(a), columnOf(b));
        a.forEach((x, i) => {
          b.forEach((y, j) => {
            expect(Math.sign(compare(i, j))).toBe(Math.sign(compareValues(x, y)));
          });
        });
      }),
      { numRuns: 500 },
    );
  });

  test("columnComparator() reads the rows of slices", () => {
    const rows = [
      [1, ["b", null]],
      [2, ["a", null]],
      [1, ["b", true]],
    ];
    const part = sliceColumn(columnOf(rows), 1, 3);
    expect(Math.sign(columnComparator(part, columnOf(rows))(1, 0))).toBe(1);
    expect(Math.sign(columnComparator(part, part)(0, 1))).toBe(1);
  });
});

describe("sortIndices", () => {
  test("sortIndices() agrees with a stable sort by compareValues", () => {
    fc.assert(
      fc.property(column, fc.boolean(), (values, descending) => {
        expect([...sortIndices(columnOf(values), descending)]).toEqual(sorted(values, descending));
      }),
      { numRuns: 1500 },
    );
  });

  test("sortIndices() keeps the order of absent rows when columns of several kinds were put together", () => {
    // What stands in the fields of absent rows differs from one part to the next.
    const column = concatColumns([columnOf([undefined, [1]]), columnOf([undefined, [false]])]);
    expect([...sortIndices(column, false)]).toEqual([0, 2, 3, 1]);
    expect([...sortIndices(column, true)]).toEqual([1, 3, 0, 2]);
    const objects = concatColumns([columnOf([null, { a: 1 }]), columnOf([null, { a: "x" }, null])]);
    expect([...sortIndices(objects, false)]).toEqual([0, 2, 4, 1, 3]);
  });

  test("sortIndices() agrees with a stable sort when rows are many", () => {
    const many = (row: fc.Arbitrary<unknown>) =>
      fc.array(row, { minLength: 300, maxLength: 500, size: "max" });
    const rows = fc.oneof(
      ...[number, text, fc.option(number), fc.option(text), fc.tuple(text, number), fc.boolean()].map(many),
    );
    fc.assert(
      fc.property(rows, fc.boolean(), (values, descending) => {
        const parts = [columnOf(values.slice(0, 100)), columnOf(values.slice(100))];
        expect([...sortIndices(concatColumns(parts), descending)]).toEqual(sorted(values, descending));
      }),
      { numRuns: 60 },
    );
  });

  test("sortIndices() sorts long equal strings without deep calls", () => {
    const long = "x".repeat(200_000);
    const rows = [`${long}b`, long, `${long}a`, long];
    expect([...sortIndices(columnOf(rows), false)]).toEqual([1, 3, 2, 0]);
    expect([...sortIndices(columnOf(rows), true)]).toEqual([0, 2, 1, 3]);
  });
});

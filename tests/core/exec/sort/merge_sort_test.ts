/** Tests of sorting row numbers with user code that may be wrong. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { mergeSortIndices } from "../../../../core/exec/sort/merge_sort.ts";

test("mergeSortIndices() agrees with the stable Array.prototype.sort when the order is consistent", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 200, size: "max" }), (values) => {
      const compare = (a: unknown, b: unknown) => Number(a) - Number(b);
      const expected = values.map((_, i) => i).sort((i, j) => compare(values[i], values[j]));
      expect([...mergeSortIndices(values, compare)]).toEqual(expected);
    }),
  );
});

test("mergeSortIndices() keeps every row when the compare function contradicts itself", () => {
  const answers = [1, Number.NaN, -1, 1, 1, 0, Number.POSITIVE_INFINITY];
  let calls = 0;
  const values = Array.from({ length: 500 }, (_, i) => i);
  const sorted = [...mergeSortIndices(values, () => answers[calls++ % answers.length])];
  expect(sorted.sort((a, b) => a - b)).toEqual(values);
});

/** Readers and writers without generated code do what the generated ones do. */
import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import type { Column } from "../../../core/batch/column.ts";
import { columnWriter } from "../../../core/batch/column_writer.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { NONE, shapeOf, widen } from "../../../core/batch/shape.ts";
import { useGeneratedCode } from "../../../core/generated_code.ts";

afterEach(() => useGeneratedCode(true));

const leaf = fc.oneof(
  fc.double(),
  fc.boolean(),
  fc.string({ unit: "binary" }),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 5 }),
);
const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.record({ a: tie("value"), ["__proto__"]: tie("value") }, { noNullPrototype: true }),
    fc.record({ b: leaf }, { noNullPrototype: false }),
  ),
})).value;
/** Rows that are alike, as rows of a dataset are, and some that are not. */
const rows = fc.oneof(
  fc.array(value, { minLength: 1, maxLength: 8 }),
  fc.array(fc.record({ n: fc.option(fc.double()), s: fc.string(), l: fc.array(fc.option(fc.integer())) }), {
    minLength: 1,
    maxLength: 20,
  }),
  fc.array(fc.tuple(fc.option(fc.string(), { nil: undefined }), fc.boolean(), fc.date()), { minLength: 1 }),
);

function write(values: readonly unknown[]): { column: Column; fits: boolean[] } {
  const writer = columnWriter(values.map((each) => shapeOf(each)).reduce(widen, NONE));
  const fits = values.map((each, i) => writer.write(each, i) >= 0);
  return { column: writer.finish(values.length), fits };
}

/** Values as text: the runner takes NaN in typed arrays, and invalid dates, for different each time. */
const shown = (value: unknown, sorted = false): string => Bun.inspect(value, { depth: 30, sorted });

test("columns and rows are the same with generated code and without", () => {
  fc.assert(
    fc.property(rows, value, (values, other) => {
      useGeneratedCode(true);
      const generated = write(values);
      const read = rowReader(generated.column);
      const shape = values.map((each) => shapeOf(each)).reduce(widen, NONE);
      const fits = columnWriter(shape).write(other, 0);
      useGeneratedCode(false);
      const plain = write(values);
      expect(plain.fits).toEqual(generated.fits);
      expect(shown(plain.column, true)).toBe(shown(generated.column, true));
      expect(columnWriter(shape).write(other, 0) < 0).toBe(fits < 0);
      const readPlain = rowReader(generated.column);
      for (let i = 0; i < values.length; i++) expect(shown(readPlain(i))).toBe(shown(read(i)));
    }),
    { numRuns: 500 },
  );
});

test("writers without generated code keep copies, and may be used again", () => {
  useGeneratedCode(false);
  const row = { items: [1, 2, 3, 4] };
  const writer = columnWriter(shapeOf(row));
  expect(writer.write(row, 0)).toBeGreaterThan(0);
  row.items[0] = 9;
  expect(rowReader(writer.finish(1))(0)).toEqual({ items: [1, 2, 3, 4] });
  writer.write(row, 0);
  expect(rowReader(writer.finish(1))(0)).toEqual({ items: [9, 2, 3, 4] });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Column } from "../../../core/batch/column.ts";
import { columnBytes, concatColumns, gather, sliceColumn } from "../../../core/batch/gather.ts";
import { columnOf, tupleBatch } from "../../../core/batch/make.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { arbitraryRows, exactly, rowsOf } from "./values.ts";

const read = (column: Column) => rowsOf({ rows: column.length, column }).map(exactly);

describe("gather", () => {
  test("gather() gives the rows that are asked for, in that order", () => {
    fc.assert(
      fc.property(arbitraryRows, fc.array(fc.nat()), (rows, picks) => {
        const indices = Uint32Array.from(rows.length === 0 ? [] : picks.map((pick) => pick % rows.length));
        const gathered = gather(columnOf(rows), indices);
        expect(read(gathered)).toEqual(Array.from(indices, (i) => exactly(rows[i])));
      }),
      { numRuns: 500 },
    );
  });

  test("gather() works on what slices and concatenations give", () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryRows, fc.nat(), fc.nat(), (a, b, x, y) => {
        const joined = concatColumns([columnOf(a), columnOf(b)]);
        const rows = [...a, ...b];
        const [from, to] = [x, y].map((n) => n % (rows.length + 1)).sort((p, q) => p - q);
        const part = sliceColumn(joined, from, to);
        const backwards = Uint32Array.from({ length: to - from }, (_, i) => to - from - 1 - i);
        expect(read(part)).toEqual(rows.slice(from, to).map(exactly));
        expect(read(gather(part, backwards))).toEqual(rows.slice(from, to).reverse().map(exactly));
      }),
      { numRuns: 500 },
    );
  });

  test("gather() copies runs of bytes longer than a few", () => {
    const rows = ["", "é".repeat(500), "x", "y".repeat(25)];
    expect(rowsOf({ rows: 4, column: gather(columnOf(rows), Uint32Array.of(3, 2, 1, 0)) })).toEqual(
      rows.toReversed(),
    );
  });

  test("gather() refuses what 32-bit offsets cannot hold when large rows are asked for many times", () => {
    const large = columnOf(["x".repeat(1 << 20)]);
    expect(() => gather(large, new Uint32Array(5000))).toThrow(
      "Cannot make a column: it would have 5242880000",
    );
  });
});

describe("concatColumns", () => {
  test("concatColumns() gives all rows when the shapes are alike or not", () => {
    fc.assert(
      fc.property(fc.array(arbitraryRows, { maxLength: 4 }), fc.nat(4), (parts, cut) => {
        const columns = parts.map((rows) =>
          sliceColumn(columnOf(rows), Math.min(cut, rows.length), rows.length),
        );
        expect(read(concatColumns(columns))).toEqual(parts.flatMap((rows) => rows.slice(cut)).map(exactly));
      }),
      { numRuns: 500 },
    );
  });

  test("concatColumns() keeps every value when a source named its columns by numbers out of order", () => {
    const named: Column = {
      kind: "object",
      length: 1,
      names: ["2", "1"],
      columns: [columnOf([7]), columnOf([8])],
    };
    expect(rowsOf({ rows: 2, column: concatColumns([named, columnOf([null])]) })).toEqual([
      { "1": 8, "2": 7 },
      null,
    ]);
  });

  test("concatColumns() keeps the kind when only presence differs", () => {
    expect(concatColumns([columnOf([1]), columnOf([2, null]), columnOf([])]).kind).toBe("number");
    expect(concatColumns([columnOf([1]), columnOf([2, null]), columnOf([undefined, 3])]).kind).toBe("any");
    expect(concatColumns([columnOf([null]), columnOf(["a"])]).kind).toBe("string");
  });
});

describe("columnBytes", () => {
  test("columnBytes() counts only the rows of a slice", () => {
    const column = columnOf(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, i]));
    const bytes = columnBytes(column);
    expect(bytes).toBeGreaterThan(1000 * (8 + 4 + 7) - 200);
    expect(bytes).toBeLessThan(1000 * 24);
    expect(columnBytes(sliceColumn(column, 0, 100))).toBeLessThan(bytes / 8);
  });

  test("columnBytes() counts the rows of a slice of lists", () => {
    const column = columnOf(Array.from({ length: 1000 }, (_, i) => Array.from({ length: i % 5 }, () => i)));
    expect(columnBytes(sliceColumn(column, 0, 10))).toBeLessThan(columnBytes(column) / 20);
  });
});

describe("tupleBatch", () => {
  test("tupleBatch() makes rows of one value of each column", () => {
    const batch = tupleBatch([columnOf(["a", "b"]), columnOf([1, null])], 2);
    expect(rowsOf(batch)).toEqual([
      ["a", 1],
      ["b", null],
    ]);
    expect(rowReader(batch.column)(1)).toEqual(["b", null]);
  });
});

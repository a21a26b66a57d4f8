/** Tests of rows that are picked from several columns, alike or not. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CborWriter } from "../../../core/batch/cbor_writer.ts";
import { encodeBatch } from "../../../core/batch/codec.ts";
import type { Column } from "../../../core/batch/column.ts";
import { sliceColumn } from "../../../core/batch/gather.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { canPick, gatherPicks, PickedBatch } from "../../../core/batch/picks.ts";
import { columnLines, pickedLines } from "../../../core/exec/sink/text_rows.ts";
import { arbitraryRows, exactly, PORTS, rowsOf } from "./values.ts";

const text = fc.string({ unit: fc.constantFrom("a", "é", "long".repeat(30)), maxLength: 8 });
const alike = fc.oneof(
  ...[
    text,
    fc.double(),
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(text, fc.integer()),
    fc.record({ k: fc.tuple(text, text), d: fc.date() }),
  ].map((row: fc.Arbitrary<unknown>) => fc.array(fc.array(row, { maxLength: 9 }), { maxLength: 5 })),
);
const sources = fc.oneof(alike, fc.array(arbitraryRows, { maxLength: 4 }));

/** Columns of the rows without their first ones, and any picks of them. */
function picksOf(lists: readonly (readonly unknown[])[], cut: number, seeds: readonly number[]) {
  const parts = lists.map((rows) => rows.slice(Math.min(cut, rows.length)));
  const all: Column[] = lists.map((rows) =>
    sliceColumn(columnOf(rows), Math.min(cut, rows.length), rows.length),
  );
  const places = parts.flatMap((rows, choice) => rows.map((_, row) => ({ choice, row })));
  const chosen = places.length === 0 ? [] : seeds.map((seed) => places[seed % places.length]);
  return {
    picks: {
      sources: all,
      choices: Uint32Array.from(chosen, ({ choice }) => choice),
      rows: Uint32Array.from(chosen, ({ row }) => row),
    },
    expected: chosen.map(({ choice, row }) => parts[choice][row]),
  };
}

describe("gatherPicks", () => {
  test("gatherPicks() gives the rows that are picked, in that order, whatever the columns are", () => {
    fc.assert(
      fc.property(sources, fc.nat(2), fc.array(fc.nat(), { maxLength: 60 }), (lists, cut, seeds) => {
        const { picks, expected } = picksOf(lists, cut, seeds);
        const column = gatherPicks(picks);
        expect(rowsOf({ rows: column.length, column }).map(exactly)).toEqual(expected.map(exactly));
      }),
      { numRuns: 1000 },
    );
  });

  test("gatherPicks() joins columns that are not alike when all rows are picked in order", () => {
    const picks = { sources: [columnOf([1, 2]), columnOf(["a"])] };
    const column = gatherPicks({ ...picks, choices: Uint32Array.of(0, 0, 1), rows: Uint32Array.of(0, 1, 0) });
    expect(rowsOf({ rows: 3, column })).toEqual([1, 2, "a"]);
  });
});

test("PickedBatch moves the rows when its column is asked for, and once", () => {
  const sources = [columnOf(["a", "b"]), columnOf(["c"])];
  const batch = new PickedBatch({ sources, choices: Uint32Array.of(1, 0), rows: Uint32Array.of(0, 1) });
  expect(batch.picks).toBeDefined();
  const { column } = batch;
  expect(rowsOf(batch)).toEqual(["c", "b"]);
  expect(batch.column).toBe(column);
  expect(batch.picks).toBeUndefined();
});

test("canPick() takes columns that are alike in all of their fields, without absent rows", () => {
  const pair = columnOf([[1, "a"]]);
  expect(canPick([pair, columnOf([[2, "b"]])])).toBe(true);
  expect(canPick([pair, columnOf([["b", 2]])])).toBe(false);
  expect(canPick([pair, columnOf([[1, null]])])).toBe(false);
  expect(canPick([columnOf([{ a: 1 }]), columnOf([{ b: 1 }])])).toBe(false);
  expect(canPick([columnOf(["a"]), columnOf(["a", null])])).toBe(false);
  expect(canPick([])).toBe(false);
});

test("pickedLines() gives what columnLines() gives of the same rows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(text, { maxLength: 9 }), { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (lists, seeds) => {
        const { picks, expected } = picksOf(
          lists.filter(({ length }) => length > 0),
          0,
          seeds,
        );
        const column = columnOf(["", ...expected]);
        if (column.kind !== "string") throw new Error("expected strings");
        expect(pickedLines(picks)).toEqual(columnLines(column).subarray(1));
      },
    ),
    { numRuns: 300 },
  );
});

test("pickedLines() leaves rows that are no strings, or absent, to others", () => {
  const rows = { choices: Uint32Array.of(0), rows: Uint32Array.of(0) };
  expect(pickedLines({ sources: [columnOf(["a"]), columnOf([1])], ...rows })).toBeUndefined();
  expect(pickedLines({ sources: [columnOf(["a", null])], ...rows })).toBeUndefined();
});

test("encodeBatch() writes the same bytes of picked rows as of the column that they make, and in memory that is used again", () => {
  const scratch = new CborWriter(16);
  fc.assert(
    fc.property(sources, fc.nat(2), fc.array(fc.nat(), { maxLength: 60 }), (lists, cut, seeds) => {
      const { picks } = picksOf(lists, cut, seeds);
      const column = gatherPicks(picks);
      const expected = encodeBatch({ rows: column.length, column }, PORTS);
      expect(encodeBatch(new PickedBatch(picks), PORTS)).toEqual(expected);
      expect(encodeBatch(new PickedBatch(picks), PORTS, scratch)).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

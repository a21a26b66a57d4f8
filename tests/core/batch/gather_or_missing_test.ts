import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeItem, encodeBatch } from "../../../core/batch/codec.ts";
import { gatherOrMissing } from "../../../core/batch/gather_or_missing.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { arbitraryRows, exactly, PORTS, rowsOf } from "./values.ts";

test("gatherOrMissing() gives the rows that are asked for, and undefined for the one after the last", () => {
  fc.assert(
    fc.property(arbitraryRows, fc.array(fc.nat()), (rows, picks) => {
      const indices = Uint32Array.from(picks, (pick) => pick % (rows.length + 1));
      const batch = { rows: indices.length, column: gatherOrMissing(columnOf(rows), indices) };
      const expected = Array.from(indices, (i) => exactly(i === rows.length ? undefined : rows[i]));
      expect(rowsOf(batch).map(exactly)).toEqual(expected);
      const item = decodeItem(encodeBatch(batch, PORTS), PORTS);
      expect(item.kind === "batch" ? rowsOf(item.batch).map(exactly) : []).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test("gatherOrMissing() costs what the rows cost, not what the column does", () => {
  const texts = Array.from({ length: 200_000 }, (_, i) => `text ${i}`);
  const columns = [columnOf(texts), columnOf(texts.map((text, i) => [text, i]))];
  const start = performance.now();
  for (let i = 0; i < 1000; i++) {
    for (const column of columns) {
      const gathered = gatherOrMissing(column, Uint32Array.of(i, 200_000, i));
      expect(gathered.length).toBe(3);
    }
  }
  // Joining the column with a missing row each time took a minute.
  expect(performance.now() - start).toBeLessThan(5_000);
});

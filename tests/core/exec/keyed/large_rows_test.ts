/** Tests of keyed steps with few rows that are large, or that many others find. */
import { expect, test } from "bun:test";
import type { Batch, Column } from "../../../../core/batch/column.ts";
import { columnBytes } from "../../../../core/batch/gather.ts";
import { columnOf } from "../../../../core/batch/make.ts";
import { GroupTable } from "../../../../core/exec/keyed/group_table.ts";
import { GroupedRows } from "../../../../core/exec/keyed/grouped_rows.ts";
import { JoinTable } from "../../../../core/exec/keyed/join_table.ts";
import { KeyTable } from "../../../../core/key/key_table.ts";
import { batchesOf, fakeTask, rowsOf } from "../sort/fake_task.ts";

const MIB = 1 << 20;

test("JoinTable gives batches of bounded size when many rows find a large one", () => {
  const batches: Batch[] = [];
  const table = new JoinTable({
    built: "right",
    keepsProbing: true,
    keepsBuilt: false,
  });
  table.emitTo((batch) => batches.push(batch));
  const large = "x".repeat(MIB);
  table.build({ keys: columnOf(["a", "b"]), values: columnOf([large, "small"]) });
  table.seal();
  const rows = Array.from({ length: 100 }, (_, i) => [i % 3 === 0 ? "a" : i % 3 === 1 ? "b" : "none", i]);
  for (const batch of batchesOf(rows)) table.probe(batch);
  expect(Math.max(...batches.map(({ column }) => columnBytes(column)))).toBeLessThanOrEqual(16 * MIB);
  const sides = { a: large, b: "small", none: undefined };
  expect(batches.flatMap((batch) => rowsOf([batch]))).toEqual(
    rows.map(([key, i]) => [key, [i, sides[key as keyof typeof sides]]]),
  );
});

test("GroupedRows puts rows aside in bounded pieces when long keys repeat", () => {
  const table = new KeyTable();
  const rows = new GroupedRows();
  const key = "k".repeat(1000);
  const expected: unknown[] = [];
  for (let i = 0; i < 50; i++) {
    const values = Array.from({ length: 1000 }, (_, n) => i * 1000 + n);
    const keys = values.map((n) => `${key}${n % 2}`);
    for (const [n, value] of values.entries()) expected.push([keys[n], value]);
    rows.add(table, columnOf(keys), columnOf(values));
  }
  const pieces: Column[] = [];
  for (const { column, hashes } of rows.pairs(table)) {
    expect(hashes.length).toBe(column.length);
    pieces.push(column);
  }
  expect(Math.max(...pieces.map(columnBytes))).toBeLessThan(12 * MIB);
  expect(rowsOf(pieces.map((column) => ({ rows: column.length, column })))).toEqual(expected);
});

test("GroupTable gives batches of bounded size when values are large", async () => {
  const { scope } = fakeTask({ memoryBytes: 1 << 30 });
  const table = new GroupTable(scope, 1);
  for (let i = 0; i < 80; i++) {
    table.add(0, { keys: columnOf([`key ${i}`]), values: columnOf([`${i}`.padEnd(MIB, ".")]) });
  }
  const sizes: number[] = [];
  const keys: unknown[] = [];
  await table.drain((batch) => {
    sizes.push(columnBytes(batch.column));
    keys.push(...rowsOf([batch]).map((row) => (row as readonly unknown[])[0]));
  });
  table.close();
  expect(Math.max(...sizes)).toBeLessThan(20 * MIB);
  expect(keys).toEqual(Array.from({ length: 80 }, (_, i) => `key ${i}`));
});

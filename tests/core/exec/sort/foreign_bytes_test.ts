/** Tests of sorting strings whose bytes are not UTF-8, as a file in another encoding gives them. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch, Column } from "../../../../core/batch/column.ts";
import { tupleBatch } from "../../../../core/batch/make.ts";
import { runMergeHead } from "../../../../core/exec/sort/merge_head.ts";
import { createRunWriter } from "../../../../core/exec/sort/run_writer.ts";
import type { NodeSpec } from "../../../../core/graph/node.ts";
import { compareValues } from "../../../../core/key/compare.ts";
import type { SortOrder } from "../../../../core/plan/physical.ts";
import { chooseSplitters, cutRange, taskRange } from "../../../../core/plan/splitters.ts";
import { Collector, fakeTask, MemoryWriter, pieceOf, rowsOf } from "./fake_task.ts";

function stringColumn(rows: readonly (readonly number[])[]): Column {
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
  return { kind: "string", length: rows.length, offsets, bytes: Uint8Array.from(rows.flat()) };
}

function numbered(keys: Column): Column[] {
  const values = Float64Array.from({ length: keys.length }, (_, i) => i);
  return [keys, { kind: "number", length: keys.length, values }];
}

interface Case {
  readonly order: SortOrder;
  readonly spec: NodeSpec;
  readonly batch: (keys: Column) => Batch;
  readonly key: (row: unknown) => unknown;
}

const CASES: readonly Case[] = [
  {
    order: { node: 0, by: "row", descending: false },
    spec: { kind: "sort", descending: false },
    batch: (column) => ({ rows: column.length, column }),
    key: (row) => row,
  },
  {
    order: { node: 0, by: "pairKey", descending: true },
    spec: { kind: "sortByKey", descending: true },
    batch: (keys) => tupleBatch(numbered(keys), keys.length),
    key: (row) => (row as readonly unknown[])[0],
  },
  {
    order: { node: 0, by: "key", descending: false },
    spec: {
      kind: "sortBy",
      fn: (row: { readonly name: string }) => row.name,
      field: "name",
      descending: false,
    },
    batch: (keys) => ({
      rows: keys.length,
      column: { kind: "object", length: keys.length, names: ["name", "id"], columns: numbered(keys) },
    }),
    key: (row) => (row as { readonly name: string }).name,
  },
];

async function sortInTasks(batch: Batch, { order, spec }: Case, tasks: number): Promise<unknown[]> {
  const hasKeyColumn = order.by === "key";
  const sign = order.descending ? -1 : 1;
  const compare = (a: unknown, b: unknown) => sign * compareValues(a, b);
  const writer = new MemoryWriter();
  const tail = createRunWriter(fakeTask({ specs: [spec] }).scope, order, hasKeyColumn, writer);
  tail.batch(batch);
  tail.finish();
  const splitters = chooseSplitters([writer.marks], tasks, compare);
  const collector = new Collector();
  for (let task = 0; task < tasks; task += 1) {
    const range = taskRange(splitters, task);
    const pieces = cutRange(writer.marks, range, compare).map(({ from, to }) => pieceOf("s", { from, to }));
    const shards = new Map([["s", writer.batches]]);
    const fake = fakeTask({ specs: [spec], shards, input: { pieces: [pieces], ...range } });
    const input = { from: { kind: "group", group: 0 }, mode: "range" } as const;
    await runMergeHead(fake.scope, { kind: "merge", input, order, hasKeyColumn }, collector);
  }
  return collector.rows;
}

const BYTES = fc.constantFrom(0x41, 0x61, 0x80, 0xa9, 0xbf, 0xbd, 0xc3, 0xe9, 0xef, 0xf5, 0xff);
const KEYS = fc.array(fc.array(BYTES, { maxLength: 4 }), { minLength: 300, maxLength: 900, size: "max" });

test("a sort in several tasks loses no row, and orders them as they are read, when bytes are not UTF-8", async () => {
  await fc.assert(
    fc.asyncProperty(KEYS, fc.constantFrom(...CASES), async (keys, one) => {
      const batch = one.batch(stringColumn(keys));
      const sign = one.order.descending ? -1 : 1;
      const expected = rowsOf([batch]).sort((a, b) => sign * compareValues(one.key(a), one.key(b)));
      expect(await sortInTasks(batch, one, 4)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
}, 60_000);

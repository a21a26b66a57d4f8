/** Tests of whole sorts: runs are written, cut, merged, and compared with Array.prototype.sort. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../../core/batch/column.ts";
import { createLocalSort } from "../../../../core/exec/sort/local_sort.ts";
import { runMergeHead } from "../../../../core/exec/sort/merge_head.ts";
import { createRunWriter } from "../../../../core/exec/sort/run_writer.ts";
import type { NodeSpec } from "../../../../core/graph/node.ts";
import { compareValues } from "../../../../core/key/compare.ts";
import type { SortOrder } from "../../../../core/plan/physical.ts";
import { chooseSplitters, cutRange, taskRange } from "../../../../core/plan/splitters.ts";
import { keyLists, plain } from "./arbitrary_keys.ts";
import { batchesOf, Collector, fakeTask, MemoryWriter, pieceOf } from "./fake_task.ts";

interface Case {
  readonly order: SortOrder;
  readonly spec: NodeSpec;
  /** Makes a row of a key, with what tells rows of equal keys apart. */
  readonly row: (key: unknown, id: number) => unknown;
  readonly key: (row: unknown) => unknown;
}

const first = (row: unknown) => (row as readonly unknown[])[0];
const field = (row: unknown) => (row as { readonly k: unknown }).k;

function casesOf(descending: boolean): Case[] {
  const pair = (key: unknown, id: number) => [key, id];
  const compare = (a: unknown, b: unknown) => compareValues(first(a), first(b));
  return [
    {
      order: { node: 0, by: "pairKey", descending },
      spec: { kind: "sortByKey", descending },
      row: pair,
      key: first,
    },
    {
      order: { node: 0, by: "key", descending },
      spec: { kind: "sortBy", fn: first, descending },
      row: pair,
      key: first,
    },
    {
      order: { node: 0, by: "key", descending },
      spec: { kind: "sortBy", fn: field, field: "k", descending },
      row: (k, id) => ({ id, k }),
      key: field,
    },
    {
      order: { node: 0, by: "compare", descending },
      spec: { kind: "sort", fn: compare, descending },
      row: pair,
      key: first,
    },
  ];
}

function sorted(rows: readonly unknown[], one: Case): unknown[] {
  const sign = one.order.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: one.key(row) }))
    .sort((a, b) => sign * compareValues(a.key, b.key))
    .map(({ row }) => row);
}

/** How marks compare: rows are their own marks when user code compares them. */
function markOrder({ order, key }: Case): (a: unknown, b: unknown) => number {
  const sign = order.descending ? -1 : 1;
  if (order.by === "compare") return (a, b) => sign * compareValues(key(a), key(b));
  return (a, b) => sign * compareValues(a, b);
}

function feed(
  target: { row(row: unknown): void; batch(batch: Batch): void },
  rows: readonly unknown[],
): void {
  // Half in batches, half row by row: both ways must keep the order of the rows.
  const half = rows.length >> 1;
  for (const batch of batchesOf(rows.slice(0, half), 7)) target.batch(batch);
  for (const row of rows.slice(half)) target.row(row);
}

async function sortGlobally(
  shards: readonly (readonly unknown[])[],
  one: Case,
  tasks: number,
  memoryBytes: number,
  isRemote: boolean,
): Promise<unknown[]> {
  const hasKeyColumn = one.order.by === "key";
  const written = new Map<string, Batch[]>();
  const marks = shards.map((rows, i) => {
    const { scope } = fakeTask({ specs: [one.spec], memoryBytes });
    const writer = new MemoryWriter();
    const tail = createRunWriter(scope, one.order, hasKeyColumn, writer);
    feed(tail, rows);
    tail.finish();
    written.set(`s${i}`, writer.batches);
    return writer.marks;
  });
  const compare = markOrder(one);
  const splitters = chooseSplitters(marks, tasks, compare);
  const collector = new Collector();
  for (let task = 0; task < tasks; task += 1) {
    const range = taskRange(splitters, task);
    const pieces = marks.flatMap((some, i) =>
      cutRange(some, range, compare).map(({ from, to }) => pieceOf(`s${i}`, { from, to })),
    );
    const fake = fakeTask({
      specs: [one.spec],
      memoryBytes,
      shards: written,
      isRemote,
      input: { pieces: [pieces], ...range },
    });
    const input = { from: { kind: "group", group: 0 }, mode: "range" } as const;
    await runMergeHead(fake.scope, { kind: "merge", input, order: one.order, hasKeyColumn }, collector);
    expect(fake.openFiles()).toBe(0);
    expect(fake.openReaders()).toBe(0);
  }
  return collector.rows;
}

const TINY = 3000;

test("runMergeHead() gives what Array.prototype.sort gives when runs are many and keys of any kind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(keyLists, { maxLength: 4 }),
      fc.constantFrom(...casesOf(false), ...casesOf(true)),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(TINY, 1 << 20),
      fc.boolean(),
      async (lists, one, tasks, memoryBytes, isRemote) => {
        const shards = lists.map((keys, shard) => keys.map((key, i) => one.row(key, shard * 1000 + i)));
        const result = await sortGlobally(shards, one, tasks, memoryBytes, isRemote);
        expect(plain(result)).toEqual(plain(sorted(shards.flat(), one)));
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("createLocalSort() gives what Array.prototype.sort gives when it spills and when it does not", async () => {
  await fc.assert(
    fc.asyncProperty(
      keyLists,
      fc.constantFrom(...casesOf(false), ...casesOf(true)),
      fc.constantFrom(TINY, 1 << 20),
      async (keys, one, memoryBytes) => {
        const rows = keys.map((key, i) => one.row(key, i));
        const fake = fakeTask({ specs: [one.spec], memoryBytes });
        const collector = new Collector();
        const step = createLocalSort(fake.scope, one.order, collector);
        feed(step, rows);
        await step.finish();
        step.close?.();
        expect(plain(collector.rows)).toEqual(plain(sorted(rows, one)));
        expect(collector.finishes).toBe(1);
        expect(fake.openFiles()).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("runMergeHead() keeps the order of equal keys when every range ends inside of duplicates", async () => {
  const one = casesOf(true)[1];
  const shards = [0, 1, 2].map((shard) =>
    Array.from({ length: 5000 }, (_, i) => one.row(`key ${(i * 31) % 4}`, shard * 10_000 + i)),
  );
  const result = await sortGlobally(shards, one, 6, 100_000, false);
  expect(plain(result)).toEqual(plain(sorted(shards.flat(), one)));
});

test("createLocalSort() sorts rows by value when the node has no compare function", async () => {
  const fake = fakeTask({ specs: [{ kind: "localSort", descending: true }] });
  const collector = new Collector();
  const step = createLocalSort(fake.scope, { node: 0, by: "compare", descending: true }, collector);
  for (const row of [3, null, "b", Number.NaN, "a", 1n]) step.row(row);
  await step.finish();
  expect(collector.rows).toEqual(["b", "a", 1n, Number.NaN, 3, null]);
});

test("createLocalSort() stops reading when the next step is done", async () => {
  const fake = fakeTask({ memoryBytes: 1 << 16 });
  const collector = new Collector();
  const next = Object.assign(collector, { isDone: () => collector.rows.length > 0 });
  const step = createLocalSort(fake.scope, { node: 0, by: "row", descending: false }, next);
  for (let i = 0; i < 100_000; i += 1) step.row(100_000 - i);
  await step.finish();
  step.close?.();
  expect(collector.rows.length).toBeLessThan(20_000);
  expect(collector.rows[0]).toBe(1);
  expect(fake.scope.totals.spilledBytes).toBeGreaterThan(100_000 * 8);
  expect(fake.openFiles()).toBe(0);
});

test("createLocalSort() spills batches as it does rows", async () => {
  const fake = fakeTask({ memoryBytes: 1 << 16 });
  const collector = new Collector();
  const step = createLocalSort(fake.scope, { node: 0, by: "row", descending: false }, collector);
  const rows = Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 50_000);
  for (const batch of batchesOf(rows)) step.batch(batch);
  await step.finish();
  step.close?.();
  expect(fake.scope.totals.spilledBytes).toBeGreaterThan(40_000 * 8);
  expect(collector.rows).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
  expect(fake.openFiles()).toBe(0);
});

test("createRunWriter() ends a run when batches fill its memory", () => {
  const fake = fakeTask({ memoryBytes: 1 << 16 });
  const writer = new MemoryWriter();
  const tail = createRunWriter(fake.scope, { node: 0, by: "row", descending: false }, false, writer);
  for (const batch of batchesOf(Array.from({ length: 20_000 }, (_, i) => 20_000 - i))) tail.batch(batch);
  tail.finish();
  expect(writer.marks.at(-1)?.run).toBeGreaterThanOrEqual(4);
});

test("createRunWriter() keeps chunks small and runs within the budget when rows are long", () => {
  const fake = fakeTask({ memoryBytes: 4 << 20 });
  const writer = new MemoryWriter();
  const tail = createRunWriter(fake.scope, { node: 0, by: "row", descending: false }, false, writer);
  for (let i = 0; i < 20_000; i += 1) tail.row(`${(i * 7919) % 20_000}`.padStart(500, "x"));
  tail.finish();
  expect(Math.max(...writer.sizes)).toBeLessThan(300 << 10);
  expect(writer.marks.at(-1)?.run).toBeGreaterThanOrEqual(4);
  const firstRun = writer.batches.filter((_, i) => writer.marks[i].run === 0);
  expect(firstRun.length).toBeGreaterThan(4);
  expect(firstRun.reduce((sum, batch) => sum + batch.rows, 0) * 500).toBeLessThan(2.2 * (1 << 20));
});

test("createRunWriter() names the step when the key function throws", () => {
  const fn = () => {
    throw new Error("no key");
  };
  const fake = fakeTask({ specs: [{ kind: "sortBy", fn, descending: false }] });
  const order = { node: 0, by: "key", descending: false } as const;
  const tail = createRunWriter(fake.scope, order, true, new MemoryWriter());
  expect(() => tail.row(1)).toThrow("Cannot run sortBy: shard 3: Error: no key");
});

/** Tests of the steps top, limit and index against plain arrays. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createIndex } from "../../../../core/exec/steps/index.ts";
import { createLimit } from "../../../../core/exec/steps/limit.ts";
import { createTop } from "../../../../core/exec/steps/top.ts";
import { compareValues } from "../../../../core/key/compare.ts";
import { keyLists, plain } from "../sort/arbitrary_keys.ts";
import { batchesOf, Collector, fakeTask } from "../sort/fake_task.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
const first = (row: unknown) => (row as readonly unknown[])[0];

test("createTop() gives what a stable sort gives when shards are topped one by one and then together", () => {
  fc.assert(
    fc.property(
      fc.array(keyLists, { maxLength: 3 }),
      fc.integer({ min: 0, max: 12 }),
      fc.boolean(),
      (lists, n, ascending) => {
        const { scope } = fakeTask({ specs: [{ kind: "top", n, fn: first, ascending }] });
        const step = { op: "top", node: 0 } as const;
        const shards = lists.map((keys, shard) => keys.map((key, i) => [key, shard * 1000 + i]));
        const collector = new Collector();
        const whole = createTop(scope, step, collector);
        for (const rows of shards) {
          const best = new Collector();
          const part = createTop(scope, step, best);
          for (const batch of batchesOf(rows.slice(0, 20), 6)) part.batch(batch);
          for (const row of rows.slice(20)) part.row(row);
          void part.finish();
          for (const row of best.rows) whole.row(row);
        }
        void whole.finish();
        const sign = ascending ? 1 : -1;
        const sorted = shards.flat().sort((a, b) => sign * compareValues(a[0], b[0]));
        expect(plain(collector.rows)).toEqual(plain(sorted.slice(0, n)));
        expect(collector.finishes).toBe(1);
      },
    ),
    { numRuns: 150 },
  );
});

test("createTop() keeps its rows, not the texts of the batches that they came in", () => {
  const { scope } = fakeTask({ specs: [{ kind: "top", n: 100, ascending: false }] });
  const collector = new Collector();
  const top = createTop(scope, { op: "top", node: 0 }, collector);
  const feed = (batch: number) => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `${i === 5 ? `z${batch}` : "a"}`.padEnd(100, "-"));
    for (const one of batchesOf(rows, rows.length)) top.batch(one);
  };
  feed(1000);
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (let batch = 1001; batch < 1100; batch += 1) feed(batch);
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 << 20);
  top.finish();
  expect(collector.rows).toEqual(Array.from({ length: 100 }, (_, i) => `z${1099 - i}`.padEnd(100, "-")));
});

test("createTop() names the row when the key function throws", () => {
  const fn = (row: number) => {
    if (row === 2) throw new Error("no key");
    return row;
  };
  const { scope } = fakeTask({ specs: [{ kind: "top", n: 2, fn, ascending: false }] });
  const top = createTop(scope, { op: "top", node: 0 }, new Collector());
  expect(() => top.batch(batchesOf([0, 1, 2, 3])[0])).toThrow(
    "Cannot run top: shard 3, row 2: Error: no key",
  );
});

test("createLimit() passes exactly n rows and is done then", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), fc.nat(40), (n, inBatches, inRows) => {
      const collector = new Collector();
      const limit = createLimit(fakeTask().scope, { op: "limit", node: 0, n }, collector);
      const rows = numbers(inBatches + inRows);
      for (const batch of batchesOf(rows.slice(0, inBatches), 7)) limit.batch(batch);
      for (const row of rows.slice(inBatches)) limit.row(row);
      expect(collector.rows).toEqual(rows.slice(0, n));
      expect(limit.isDone?.()).toBe(inBatches + inRows >= n);
      void limit.finish();
      expect(collector.finishes).toBe(1);
    }),
  );
});

test("createIndex() counts on over rows and batches when the shard begins at some number", () => {
  const collector = new Collector();
  const { scope } = fakeTask({ input: { firstIndex: 100 } });
  const index = createIndex(scope, { op: "index", node: 0 }, collector);
  index.row("a");
  for (const batch of batchesOf(["b", "c", "d"], 2)) index.batch(batch);
  index.row("e");
  expect(collector.rows).toEqual([
    ["a", 100],
    ["b", 101],
    ["c", 102],
    ["d", 103],
    ["e", 104],
  ]);
  expect(index.isDone).toBeUndefined();
});

test("createIndex() is done when the next step is", () => {
  const next = Object.assign(new Collector(), { isDone: () => true });
  expect(createIndex(fakeTask().scope, { op: "index", node: 0 }, next).isDone?.()).toBe(true);
});

/** Tests of merging: many runs, runs that wait, and copies that are not made. */
import { expect, test } from "bun:test";
import type { Batch } from "../../../../core/batch/column.ts";
import type { BatchReader } from "../../../../core/exec/ports.ts";
import { mergeRuns } from "../../../../core/exec/sort/merge_passes.ts";
import { sortKeysOf } from "../../../../core/exec/sort/sort_keys.ts";
import { batchesOf, fakeTask, rowsOf } from "./fake_task.ts";

const MEMORY = 8 << 20;

function runOf(batches: readonly Batch[], isLate: boolean, onClose: () => void): BatchReader {
  let at = 0;
  let isOpen = true;
  return {
    next: () => (isLate ? Promise.resolve(batches[at++]) : batches[at++]),
    close: () => {
      if (isOpen) onClose();
      isOpen = false;
    },
  };
}

async function readAll(reader: BatchReader): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (;;) {
    const batch = await reader.next();
    if (batch === undefined) break;
    batches.push(batch);
  }
  reader.close();
  return batches;
}

async function merge(lists: readonly (readonly unknown[])[], memoryBytes = MEMORY) {
  const fake = fakeTask();
  let open = 0;
  let mostOpen = 0;
  const runs = lists.map((rows, i) => () => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    return runOf(batchesOf(rows, 50), i % 3 === 0, () => {
      open -= 1;
    });
  });
  const keys = sortKeysOf(fake.scope, { node: 0, by: "row", descending: false });
  const reader = await mergeRuns(fake.scope, runs, { keys, hasKeyColumn: false, memoryBytes });
  const batches = await readAll(reader);
  return { batches, fake, open, mostOpen };
}

test("mergeRuns() opens no more runs at once than fit in memory", async () => {
  const lists = Array.from({ length: 100 }, (_, run) => Array.from({ length: 120 }, (_, i) => i * 100 + run));
  const { batches, fake, open, mostOpen } = await merge(lists);
  expect(rowsOf(batches)).toEqual(Array.from({ length: 12_000 }, (_, i) => i));
  expect(mostOpen).toBeLessThanOrEqual(MEMORY / (512 << 10));
  expect(fake.scope.totals.spilledBytes).toBeGreaterThan(0);
  expect(fake.openFiles()).toBe(0);
  expect(open).toBe(0);
});

test("mergeRuns() spills only as many runs as it takes when there is one too many", async () => {
  const lists = Array.from({ length: 17 }, (_, run) => Array.from({ length: 1000 }, (_, i) => i * 17 + run));
  const { batches, fake } = await merge(lists);
  expect(rowsOf(batches)).toEqual(Array.from({ length: 17_000 }, (_, i) => i));
  expect(fake.scope.totals.spilledBytes).toBeLessThan(4 * 1000 * 8);
});

test("mergeRuns() merges runs whose keys change their kind from batch to batch", async () => {
  const some = [null, null, ...Array.from({ length: 99 }, (_, i) => i), Number.NaN, 1n, "a", "b"];
  const others = [undefined, null, true, ...Array.from({ length: 60 }, (_, i) => i * 2), "a", "c", ["z"]];
  const { batches } = await merge([some, others, ["", "b"]]);
  expect(rowsOf(batches)).toEqual([
    undefined,
    ...[null, null, null, true],
    ...[...some.slice(2, 101), ...others.slice(3, 63)].sort((a, b) => Number(a) - Number(b)),
    ...[Number.NaN, 1n, "", "a", "a", "b", "b", "c", ["z"]],
  ]);
});

test("mergeRuns() gives batches of bounded size when rows are large", async () => {
  const lists = [0, 1].map((run) =>
    Array.from({ length: 300 }, (_, i) => `${i * 2 + run}`.padStart(20_000, "0")),
  );
  const { batches } = await merge(lists);
  expect(Math.max(...batches.map(({ rows }) => rows * 20_000))).toBeLessThanOrEqual((1 << 20) + 20_000);
  expect(rowsOf(batches)).toEqual(lists.flat().sort());
});

test("mergeRuns() closes what it opened when a run fails", async () => {
  const fake = fakeTask();
  let open = 0;
  const keys = sortKeysOf(fake.scope, { node: 0, by: "row", descending: false });
  const runs = Array.from({ length: 20 }, (_, i) => () => {
    open += 1;
    const run = runOf(batchesOf([i]), false, () => {
      open -= 1;
    });
    return i === 3 ? { ...run, next: () => Promise.reject(new Error("lost")) } : run;
  });
  const merging = mergeRuns(fake.scope, runs, { keys, hasKeyColumn: false, memoryBytes: 1 });
  await expect(merging).rejects.toThrow("lost");
  expect(open).toBe(0);
  expect(fake.openFiles()).toBe(0);
});

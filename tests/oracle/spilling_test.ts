/** G7: data four times the memory of the job sorts, groups, joins and counts, by spilling. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const MEMORY_BYTES = 2 ** 20;
const ROWS = 40_000;
const KEYS = 10_000;
const TEXT = "x".repeat(100);
/** Rows of more than 100 bytes, keys in no order, each key ROWS / KEYS times. */
const keyOf = (n: number) => `key ${(n * 7_919) % KEYS}`;

const flows = {
  group: flow("spill-group", (f) =>
    f
      .range(ROWS, { shards: 4 })
      .map((n) => [keyOf(n), { n, text: TEXT }])
      .groupByKey()
      .map(([key, all]) => [key, all.length, all.reduce((sum, row) => sum + row.n + row.text.length, 0)]),
  ),
  aggregate: flow("spill-aggregate", (f) =>
    f
      .range(ROWS, { shards: 4 })
      .map((n) => [`${keyOf(n)} ${TEXT}`, n])
      .aggregateByKey({
        zero: (): number[] => [],
        add: (all, n) => [...all, n],
        merge: (a, b) => [...a, ...b],
      })
      .map(([key, all]) => [
        key.replace(` ${TEXT}`, ""),
        all.length,
        all.reduce((a, b) => a + b, 0) + TEXT.length * all.length,
      ]),
  ),
  localSort: flow("spill-local-sort", (f) =>
    f
      .range(ROWS, { shards: 2 })
      .map((n): [string, number, string] => [keyOf(n), n, TEXT])
      .localSort()
      .map(([key, n]) => [key, 1, n + TEXT.length]),
  ),
  hashJoin: spillingJoin("hash"),
  mergeJoin: spillingJoin("sort-merge"),
};

function spillingJoin(strategy: "hash" | "sort-merge") {
  return flow(`spill-${strategy}`, (f) =>
    f
      .range(ROWS, { shards: 4 })
      .map((n) => [keyOf(n), { n, text: TEXT }])
      .join(
        f.range(KEYS, { shards: 3 }).map((k) => [`key ${k}`, TEXT]),
        { strategy },
      )
      .map(([key, [{ n }, text]]) => [key, 1, n + text.length]),
  );
}

/** Sums by key of `[key, count, sum]`, however they come. */
function totalsOf(
  rows: readonly (readonly (string | number)[])[],
): Map<string, [count: number, sum: number]> {
  const totals = new Map<string, [number, number]>();
  for (const [key, count, sum] of rows) {
    const [counted, summed] = totals.get(`${key}`) ?? [0, 0];
    totals.set(`${key}`, [counted + Number(count), summed + Number(sum)]);
  }
  return totals;
}

const expected = totalsOf(Array.from({ length: ROWS }, (_, n) => [keyOf(n), 1, n + TEXT.length]));

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.open({ agents: 1, slots: 2, memoryBytes: MEMORY_BYTES });
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe("G7", () => {
  test("the data is four times the memory", () => {
    expect(ROWS * (TEXT.length + keyOf(0).length)).toBeGreaterThan(4 * MEMORY_BYTES);
  });

  test.each(Object.entries(flows))("%s spills and is right", async (_, spilling) => {
    const { outputs, done } = cluster.job.start(spilling);
    const totals = totalsOf(await outputs.collect());
    expect((await done).spilledBytes).toBeGreaterThan(MEMORY_BYTES);
    expect(totals.size).toBe(KEYS);
    expect(totals).toEqual(expected);
    outputs.release();
    await until("no spilled file is left", () => cluster.files().length === 0);
  });

  test("sortBy() sorts more than memory holds", async () => {
    const sorted = await cluster.collect((f) =>
      f
        .range(ROWS, { shards: 4 })
        .map((n) => ({ key: keyOf(n), n, text: TEXT }))
        .sortBy("key")
        .map(({ key, n }) => [key, n]),
    );
    const rows = Array.from({ length: ROWS }, (_, n): [string, number] => [keyOf(n), n]);
    expect(sorted).toEqual(rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
});

/** G4 and G6: executions and jobs beside each other, and plans that are larger than the cluster. */
import { describe, expect, test } from "bun:test";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

/** What comes out tells the parameters by every row. */
const multiples = flow("oracle-multiples", (f, p: { of: number; rows: number }) => {
  const rows = f.range(p.rows, { shards: 4 }).map((n) => [n % 10, n * p.of]);
  return { sums: rows.reduceByKey((a, b) => a + b).sortByKey(), sorted: rows.values().sort().coalesce(1) };
});

function expectMultiples(
  actual: { readonly sums: [number, number][]; readonly sorted: number[] },
  p: { readonly of: number; readonly rows: number },
): void {
  const rows = Array.from({ length: p.rows }, (_, n) => n);
  const sums = Array.from({ length: Math.min(10, p.rows) }, (_, key) => [
    key,
    rows.filter((n) => n % 10 === key).reduce((sum, n) => sum + n * p.of, 0),
  ]);
  expect(actual).toEqual({ sums, sorted: rows.map((n) => n * p.of) } as typeof actual);
}

describe("G4", () => {
  test("the same program one after the other and many at once do not mix, and nothing stays on any disk", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2, jobs: 2 });
    const runs = Array.from({ length: 12 }, (_, i) => ({ of: i + 1, rows: 20 + (i % 4) * 30 }));
    const runOne = async (p: (typeof runs)[number], i: number) => {
      const outputs = await cluster.jobs[i % 2].execute(multiples, p);
      expectMultiples({ sums: await outputs.sums.collect(), sorted: await outputs.sorted.collect() }, p);
      return outputs;
    };
    const first = [await runOne(runs[0], 0), await runOne(runs[0], 0), await runOne(runs[1], 0)];
    const handles = [...first, ...(await Promise.all(runs.map(runOne)))];
    expect(cluster.files().length).toBeGreaterThan(0);
    for (const { sums, sorted } of handles) {
      sums.release();
      sorted.release();
    }
    await until("all files are deleted", () => cluster.files().length === 0);
    expect(cluster.logged).toEqual([]);
  });

  test("a job that is closed in the middle leaves nothing, and the other one goes on", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1, jobs: 2 });
    const [one, other] = cluster.jobs;
    const endless = flow("oracle-endless", (f) =>
      f.generate(2, function* () {
        for (let n = 0; ; n++) yield n;
      }),
    );
    const execution = one.start(endless);
    const iterator = execution.outputs[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    await one.close();
    await expect(execution.done).rejects.toThrow("closed");
    expect(cluster.files().filter((file) => file.includes(one.id))).toEqual([]);
    const outputs = await other.execute(multiples, { of: 2, rows: 30 });
    expectMultiples(
      { sums: await outputs.sums.collect(), sorted: await outputs.sorted.collect() },
      { of: 2, rows: 30 },
    );
  });
});

const halves = flow("oracle-halves", (f, p: { rows: number }) => {
  const rows = f.range(p.rows, { shards: 3 }).map((n): [number, number] => [n % 17, n]);
  return { sums: rows.reduceByKey((a, b) => a + b), lists: rows.groupByKey().partitionByKey(5) };
});
const joinedHalves = flow(
  "oracle-joined-halves",
  (f, p: { a: DatasetInput<[number, number]>; b: DatasetInput<[number, number]> }) =>
    f
      .from(p.a)
      .join(f.from(p.b), { strategy: "hash" })
      .mapValues(([a, b]) => a + b),
);

test("datasets that lie by key already are joined where they lie, again and again, with the right result", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 2 });
  const [job] = cluster.jobs;
  const { sums, lists } = await job.execute(halves, { rows: 200 });
  const doubled = await job.execute(joinedHalves, { a: sums, b: sums });
  const tripled = await job.execute(joinedHalves, { a: doubled, b: sums });
  expect(tripled.shards).toBe(sums.shards);
  const rows = Array.from({ length: 200 }, (_, n) => n);
  const sumOf = (key: number) => rows.filter((n) => n % 17 === key).reduce((sum, n) => sum + n, 0);
  const byKey = (a: readonly [number, unknown], b: readonly [number, unknown]) => a[0] - b[0];
  expect((await tripled.collect()).sort(byKey)).toEqual(
    Array.from({ length: 17 }, (_, key): [number, number] => [key, 3 * sumOf(key)]),
  );
  // Another number of shards, so one side moves.
  const counted = flow("oracle-counted", (f, p: { a: typeof sums; b: typeof lists }) =>
    f
      .from(p.a)
      .join(f.from(p.b))
      .mapValues(([, list]) => list.length),
  );
  const counts = await job.execute(counted, { a: sums, b: lists });
  expect((await counts.collect()).sort(byKey)).toEqual(
    Array.from({ length: 17 }, (_, key): [number, number] => [
      key,
      rows.filter((n) => n % 17 === key).length,
    ]),
  );
});

/** Seven groups, one after the other, each with more tasks than slots; shards go 21 → 1 → 5 → 21. */
const long = flow("oracle-long", (f, p: { rows: number }) => {
  const sums = f
    .range(p.rows, { shards: 21 })
    .map((n) => [n % 37, n])
    .reduceByKey((a, b) => a + b)
    .sortByKey({ shards: 1 })
    .repartition(5)
    .map(([key, sum]) => [key % 5, sum])
    .groupByKey()
    .mapValues((all) => all.reduce((a, b) => a + b))
    .partitionByKey(21);
  return { sorted: sums.sortByKey({ shards: 1 }), total: sums.values().sum() };
});

function expectLong(sorted: readonly unknown[], total: readonly number[], rows: number): void {
  const sums = [0, 0, 0, 0, 0];
  for (let n = 0; n < rows; n++) sums[(n % 37) % 5] += n;
  expect(sorted).toEqual([...sums.entries()]);
  expect(total).toEqual([(rows * (rows - 1)) / 2]);
}

describe("G6", () => {
  test.each([1, 2])(
    "more task groups than slots complete on %d slots, also when they are followed",
    async (slots) => {
      await using cluster = await Cluster.open({ agents: 1, slots });
      const outputs = await cluster.job.execute(long, { rows: 5000 });
      expectLong(await outputs.sorted.collect(), await outputs.total.collect(), 5000);
      const started = cluster.job.start(long, { rows: 3000 });
      const [sorted, total] = await Promise.all([
        started.outputs.sorted.collect(),
        started.outputs.total.collect(),
      ]);
      expectLong(sorted, total, 3000);
      await started.done;
    },
  );

  test.each([
    [21, 1],
    [21, 4],
    [1, 21],
    [5, 3],
  ])("merging %d shards into %d loses nothing and keeps what is promised", async (from, to) => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const rows = Array.from({ length: 100 }, (_, n) => n);
    const descending = (a: number, b: number) => b - a;
    const results = await cluster.collectAll((f) => {
      const numbers: Dataset<number> = f.range(100, { shards: from });
      return {
        sorted: numbers.sort(descending, { shards: to }),
        merged: numbers.localSort().mergeSorted(undefined, { shards: to }),
        joined: numbers.coalesce(to),
        dealt: numbers.repartition(to).sort(),
        shards: numbers.coalesce(to).mapShards(async function* () {
          yield 1;
        }),
      };
    });
    expect(results).toEqual({
      sorted: [...rows].reverse(),
      merged: rows,
      joined: rows,
      dealt: rows,
      shards: Array.from({ length: Math.min(from, to) }, () => 1),
    });
  });
});

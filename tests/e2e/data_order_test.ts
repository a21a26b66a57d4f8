/** Order, numbers and samples that must be the same on every run, also in streamed outputs and after a failed attempt. */
import { afterAll, expect, test } from "bun:test";
import { runProgram } from "./data_run.ts";
import { Folder } from "./executable.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

const STREAMED = `
import { flow, run } from "luciole";
const mix = (n: number) => Math.imul(n ^ (n >>> 16), 0x45d9f3b) >>> 0;
const ROWS = 200_000;
const flows = {
  sorted: flow("sorted", (f) => {
    const rows = f.range(ROWS, { shards: 5 }).map(mix).sortBy((n) => n);
    return rows;
  }),
  descending: flow("descending", (f) => {
    const rows = f.range(ROWS, { shards: 5 }).map(mix).sortBy((n) => n, { descending: true }).limit(1000);
    return rows;
  }),
  top: flow("top", (f) => {
    const rows = f.range(ROWS, { shards: 5 }).map(mix).top(1000);
    return rows;
  }),
  numbered: flow("numbered", (f) => {
    const rows = f.range(ROWS, { shards: 5 }).map((n) => mix(n) % 1000).sortBy((n) => n).zipWithIndex();
    const late = rows.filter(([, index]) => index % 100 === 99);
    return late;
  }),
};
await run(async (job) => {
  const result: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(flows)) {
    const { outputs, done } = job.start(each as typeof flows.sorted);
    const rows: unknown[] = [];
    for await (const row of outputs) rows.push(row);
    await done;
    result[name] = rows;
  }
  console.log(JSON.stringify(result));
});
`;

const mix = (n: number): number => Math.imul(n ^ (n >>> 16), 0x45d9f3b) >>> 0;

test("streamed outputs come in their order, read while the flow runs", async () => {
  const { result } = await runProgram<Record<string, unknown>>(folder, STREAMED);
  const numbers = Array.from({ length: 200_000 }, (_, n) => mix(n));
  const sorted = numbers.toSorted((a, b) => a - b);
  expect(result.sorted).toEqual(sorted);
  expect(result.descending).toEqual(sorted.toReversed().slice(0, 1000));
  expect(result.top).toEqual(sorted.toReversed().slice(0, 1000));
  const small = numbers.map((n) => n % 1000).sort((a, b) => a - b);
  expect(result.numbered).toEqual(small.map((n, i) => [n, i]).filter(([, i]) => i % 100 === 99));
}, 60_000);

/** The first shard cannot go on before the last one has written far more than a batch. */
const UNEVEN = `
import { existsSync, writeFileSync } from "node:fs";
import { flow, run } from "luciole";
const ROWS = 400_000;
const uneven = flow("uneven", (f, p: { gate: string }) =>
  f.range(ROWS, { shards: 2 }).sortBy((n) => n, { shards: 2 }).map((n) => {
    if (n === ROWS - 1) writeFileSync(p.gate, "");
    if (n === 10) for (const end = Date.now() + 20_000; !existsSync(p.gate) && Date.now() < end; );
    return n;
  }));
await run(async (job) => {
  const { outputs, done } = job.start(uneven, { gate: job.args[0] });
  let inOrder = 0;
  for await (const n of outputs) if (n === inOrder) inOrder++;
  await done;
  console.log(JSON.stringify(inOrder));
});
`;

test("sorted outputs come shard after shard when a later one is written first", async () => {
  const { result } = await runProgram<number>(folder, UNEVEN, { args: [`${folder.path}/gate`] });
  expect(result).toBe(400_000);
}, 60_000);

/** The first attempt at a shard fails half way; a marker file tells that it was. */
const REPEATED = `
import { existsSync, writeFileSync } from "node:fs";
import { flow, run } from "luciole";
const flows = {
  sampled: flow("sampled", (f, p: { marker: string }) => {
    const kept = f.range(100_000, { shards: 3 }).sample(0.01, 7);
    const checked = kept.map((n) => {
      if (n < 60_000 || p.marker === "" || existsSync(p.marker)) return n;
      writeFileSync(p.marker, "");
      throw new Error("once");
    });
    return checked;
  }),
  indexed: flow("indexed", (f) => {
    const sparse = f.generate(6, (shard) => (shard % 2 === 0 ? [] : [shard * 10, shard * 10 + 1, shard * 10 + 2]));
    const indexed = sparse.filter((n) => n % 10 !== 1 && n !== 30).zipWithIndex();
    return indexed;
  }),
  unsorted: flow("unsorted", (f) => {
    const none = f.range(1000, { shards: 4 }).filter((n) => n < 0).zipWithIndex();
    return none;
  }),
};
await run(async (job) => {
  const samples = [];
  for (const marker of ["", job.args[0], ""]) samples.push(await (await job.execute(flows.sampled, { marker })).collect());
  console.log(JSON.stringify({
    samples,
    indexed: await (await job.execute(flows.indexed)).collect(),
    none: await (await job.execute(flows.unsorted)).collect(),
  }));
});
`;

test("sample() keeps the same rows on every run and attempt; zipWithIndex() counts over empty shards", async () => {
  interface Result {
    readonly samples: readonly (readonly number[])[];
    readonly indexed: unknown;
    readonly none: unknown;
  }
  const args = [`${folder.path}/failed_once`];
  const { result, stderr } = await runProgram<Result>(folder, REPEATED, { args });
  const [first, retried, last] = result.samples;
  expect(first.length).toBeGreaterThan(800);
  expect(first.length).toBeLessThan(1200);
  expect(stderr).toContain("run again");
  expect(retried).toEqual(first);
  expect(last).toEqual(first);
  expect(result.indexed).toEqual([
    [10, 0],
    [12, 1],
    [32, 2],
    [50, 3],
    [52, 4],
  ]);
  expect(result.none).toEqual([]);
}, 60_000);

const EMPTY = `
import { flow, run, type Dataset, type FlowBuilder } from "luciole";
const operations: Record<string, (rows: Dataset<number>) => Dataset<unknown>> = {
  reduce: (d) => d.reduce((a, b) => a + b),
  aggregate: (d) => d.aggregate({ zero: () => "zero", add: (a) => a, merge: (a) => a }),
  count: (d) => d.count(),
  sum: (d) => d.sum(),
  min: (d) => d.min(),
  max: (d) => d.max(),
  mean: (d) => d.mean(),
  stats: (d) => d.stats().map(({ count, sum }) => [count, sum]),
  distinct: (d) => d.distinct(),
  countByValue: (d) => d.countByValue(),
  sortBy: (d) => d.sortBy((n) => n),
  top: (d) => d.top(3),
  limit: (d) => d.limit(3),
  first: (d) => d.first(),
  zipWithIndex: (d) => d.zipWithIndex(),
};
const empty = flow("empty", (f: FlowBuilder, p: { name: string; rows: number[][] }) => {
  const rows = f.generate(p.rows.length, (shard) => p.rows[shard]);
  const result = operations[p.name](rows);
  return result;
});
await run(async (job) => {
  const result: Record<string, unknown[]> = {};
  for (const name of Object.keys(operations)) {
    result[name] = [];
    for (const rows of [[[]], [[], [], []], [[], [5], [], [3]]]) {
      result[name].push(await (await job.execute(empty, { name, rows })).collect());
    }
  }
  console.log(JSON.stringify(result));
});
`;

test("operations on a whole dataset give what their docs say of no rows, and do not mind empty shards", async () => {
  const { result } = await runProgram<Record<string, unknown[]>>(folder, EMPTY);
  const none = (rows: unknown[]) => [[], [], rows];
  expect(result).toEqual({
    reduce: none([8]),
    aggregate: [["zero"], ["zero"], ["zero"]],
    count: [[0], [0], [2]],
    sum: [[0], [0], [8]],
    min: none([3]),
    max: none([5]),
    mean: none([4]),
    stats: [[[0, 0]], [[0, 0]], [[2, 8]]],
    distinct: none([expect.any(Number), expect.any(Number)]),
    countByValue: none([expect.any(Array), expect.any(Array)]),
    sortBy: none([3, 5]),
    top: none([5, 3]),
    limit: none([5, 3]),
    first: none([5]),
    zipWithIndex: none([
      [5, 0],
      [3, 1],
    ]),
  });
}, 60_000);

test("exchanges of data whose size nobody knows get a partition for each worker", async () => {
  const program = `
import { flow, run } from "luciole";
const unknown = flow("unknown", (f) => f.generate(2, (shard) => [[shard, 1] as [number, number]]).groupByKey());
await run(async (job) => {
  console.log(JSON.stringify((await job.execute(unknown)).shards));
});
`;
  expect((await runProgram<number>(folder, program, { workers: 3 })).result).toBe(3);
}, 60_000);

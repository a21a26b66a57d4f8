/** Datasets between graphs: versions, who keeps them, other numbers of shards, what is lost, and that nothing is left. */
import { describe, expect, test } from "bun:test";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";
import { soon, until } from "./until.ts";

/** Too much for the memory of agents, so that shards can be counted as files. */
const ROWS = 40_000;

const numbers = flow("kept-numbers", (f, p: { shards: number; from: number }) =>
  f.range(p.from, p.from + ROWS, { shards: p.shards }),
);
const again = flow("numbers-again", (f, p: { rows: DatasetInput<number>; shards: number }) =>
  f.from(p.rows).repartition(p.shards),
);
const byKey = flow("numbers-by-key", (f, p: { rows: DatasetInput<number>; shards: number }) =>
  f
    .from(p.rows)
    .map((n): [number, number] => [n % 97, n])
    .partitionByKey(p.shards),
);
const plusOne = flow("plus-one", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows).map((n) => n + 1));

let gate = Promise.withResolvers<void>();
/** Reads its input only when the gate is open. */
const waiting = flow("waiting-reader", (f, p: { rows: DatasetInput<number> }) =>
  f.from(p.rows).mapShards(async function* (rows) {
    await gate.promise;
    let count = 0;
    let sum = 0;
    for await (const n of rows) {
      count += 1;
      sum += n;
    }
    yield [count, sum] as const;
  }),
);

const shardsOn = (cluster: Cluster) => cluster.files().filter((file) => file.endsWith(".index")).length;
const sorted = (rows: readonly number[]) => [...rows].sort((a, b) => a - b);
const range = (from: number) => Array.from({ length: ROWS }, (_, i) => from + i);

describe("C10: other numbers of shards", () => {
  test.each([
    [2, 5],
    [5, 2],
    [1, 7],
    [7, 1],
  ])(
    "C10: a dataset of %d shards is read as %d without loss",
    async (before, after) => {
      await using cluster = await Cluster.open({ agents: 2, slots: 2 });
      const { job } = cluster;
      const rows = await job.execute(numbers, { shards: before, from: 0 });
      expect(rows.shards).toBe(before);
      const other = await job.execute(again, { rows, shards: after });
      expect(other.shards).toBe(after);
      expect(sorted(await other.collect())).toEqual(range(0));
      const keyed = await job.execute(byKey, { rows: other, shards: before });
      expect(sorted((await keyed.collect()).map(([, n]) => n))).toEqual(range(0));
    },
    60_000,
  );
});

describe("C11: versions", () => {
  test("C11: readers of turn k see what turn k-1 made, and old versions go after their last reader", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 5 });
    const { job } = cluster;
    gate = Promise.withResolvers();
    let rows = await job.execute(numbers, { shards: 2, from: 0 });
    const readers = [];
    for (let turn = 0; turn < 3; turn++) {
      const reader = job.start(waiting, { rows });
      // Given up before the reader has begun.
      const next = await job.execute(plusOne, { rows });
      rows.release();
      rows = next;
      readers.push({ turn, reader });
    }
    // One version that is held, and three that are read.
    expect(shardsOn(cluster)).toBe(8);
    gate.resolve();
    for (const { turn, reader } of readers) {
      const parts = await soon("a reader", reader.outputs.collect());
      expect(parts.reduce((all, [count]) => all + count, 0)).toBe(ROWS);
      expect(parts.reduce((all, [, sum]) => all + sum, 0)).toBe((ROWS * (ROWS - 1)) / 2 + turn * ROWS);
      reader.outputs.release();
    }
    await until("old versions are gone", () => shardsOn(cluster) === 2);
    rows.release();
    await until("all are gone", () => shardsOn(cluster) === 0);
  }, 60_000);

  test("C11: an execution that was begun with a handle reads it, though it is released before it is planned", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const { job } = cluster;
    gate = Promise.withResolvers();
    gate.resolve();
    const rows = await job.execute(numbers, { shards: 2, from: 5 });
    const reader = job.start(plusOne, { rows });
    rows.release();
    expect(sorted(await reader.outputs.collect())).toEqual(range(6));
    expect(() => job.start(plusOne, { rows })).toThrow("it was released");
    reader.outputs.release();
    await until("all are gone", () => shardsOn(cluster) === 0);
  }, 60_000);

  test("C11: 60 turns of a loop leave one version", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { job } = cluster;
    let rows = await job.execute(numbers, { shards: 2, from: 0 });
    for (let turn = 0; turn < 60; turn++) {
      const next = await job.execute(plusOne, { rows });
      rows.release();
      rows = next;
      // Releases wait a moment for orders that they go with.
      expect(shardsOn(cluster)).toBeLessThanOrEqual(8);
    }
    await until("one version is left", () => shardsOn(cluster) === 2);
    expect(sorted(await rows.collect())).toEqual(range(60));
  }, 60_000);
});

describe("DatasetHandle", () => {
  test("release() leaves the rows to a reader that runs, and refuses those that begin later", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const rows = await cluster.job.execute(numbers, { shards: 4, from: 0 });
    const read: number[] = [];
    for await (const n of rows) {
      if (read.length === 0) rows.release();
      read.push(n);
    }
    expect(sorted(read)).toEqual(range(0));
    await expect(rows.collect()).rejects.toThrow("it was released");
    await until("the shards are gone", () => shardsOn(cluster) === 0);
  }, 60_000);

  test("release() frees the rows when the last handle of share() is released", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const rows = await cluster.job.execute(numbers, { shards: 2, from: 0 });
    const other = rows.share();
    rows.release();
    rows.release();
    expect(() => rows.share()).toThrow("it was released");
    expect((await other.collect()).length).toBe(ROWS);
    expect(shardsOn(cluster)).toBe(2);
    other.release();
    await until("the shards are gone", () => shardsOn(cluster) === 0);
  }, 60_000);

  test("[Symbol.dispose]() releases at the end of a block", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    {
      using rows = await cluster.job.execute(numbers, { shards: 2, from: 0 });
      expect(await rows.count()).toBe(ROWS);
    }
    await until("the shards are gone", () => shardsOn(cluster) === 0);
  }, 60_000);

  test("a handle that the program has forgotten is released when it is collected, and a reference keeps it", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const { job } = cluster;
    const makeAndForget = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await job.execute(numbers, { shards: 1, from: i });
    };
    const { ref } = await job.execute(numbers, { shards: 1, from: 0 });
    await makeAndForget(10);
    await until("most are gone", () => {
      Bun.gc(true);
      return shardsOn(cluster) <= 4;
    });
    const read = await job.execute(plusOne, { rows: ref });
    expect(sorted(await read.collect())).toEqual(range(1));
  }, 60_000);

  test("rows of an earlier graph that are lost are computed again for a later one, over two graphs", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const { job } = cluster;
    const rows = await job.execute(numbers, { shards: 2, from: 0 });
    const more = await job.execute(plusOne, { rows });
    rows.release();
    await until("one version is left", () => shardsOn(cluster) === 2);
    for (const file of cluster.files()) cluster.destroy(file);
    const last = await job.execute(plusOne, { rows: more });
    expect(sorted(await last.collect())).toEqual(range(2));
    expect(sorted(await more.collect())).toEqual(range(1));
  }, 60_000);
});

const placed = flow("placed-numbers", (f, p: { rows: number; where: "memory" | "disk" | "free" }) => {
  const rows = f.range(p.rows, { shards: 2 });
  if (p.where === "free") return rows;
  return p.where === "memory" ? rows.inMemory() : rows.onDisk();
});

describe("Storage of shards", () => {
  test.each([
    ["free", 10, 0],
    ["disk", 10, 2],
    ["free", ROWS, 2],
    ["memory", ROWS, 0],
    ["memory", 30 * ROWS, 2],
  ] as const)(
    "%s keeps %d rows in %d files",
    async (where, rows, files) => {
      await using cluster = await Cluster.open({ agents: 1, slots: 2, heldBytes: 2 ** 24 });
      const { job } = cluster;
      using kept = await job.execute(placed, { rows, where });
      expect(shardsOn(cluster)).toBe(files);
      expect(await kept.count()).toBe(rows);
      using more = await job.execute(plusOne, { rows: kept });
      expect(await more.take(3)).toEqual([1, 2, 3]);
    },
    60_000,
  );

  test("inMemory() goes to disk when the agent's memory is full", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    using kept = await cluster.job.execute(placed, { rows: ROWS, where: "memory" });
    expect(shardsOn(cluster)).toBe(2);
    expect(sorted(await kept.collect())).toEqual(range(0));
  }, 60_000);
});

const echo = flow("echo-channel", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows).map((n) => n));

describe("Channel", () => {
  test("release() frees what was read to its end", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const { job } = cluster;
    const rows = job.channel(range(0));
    const copy = await job.execute(echo, { rows });
    await rows.done;
    copy.release();
    await until("the channel is left", () => shardsOn(cluster) === 1);
    rows.release();
    await until("the channel is gone", () => shardsOn(cluster) === 0);
    expect(() => job.start(echo, { rows })).toThrow("it was released");
  }, 60_000);

  test("release() lets a flow that reads it go on to the end", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const { job } = cluster;
    const more = Promise.withResolvers<void>();
    const rows = job.channel(
      (async function* () {
        yield 1;
        await more.promise;
        yield 2;
      })(),
    );
    const { outputs, done } = job.start(echo, { rows });
    const read = outputs[Symbol.asyncIterator]();
    expect((await read.next()).value).toBe(1);
    rows.release();
    more.resolve();
    expect((await read.next()).value).toBe(2);
    await done;
  }, 60_000);

  test("release() ends the source of a channel that nobody reads", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const ended = Promise.withResolvers<void>();
    const rows = cluster.job.channel(
      (async function* () {
        try {
          // More than an agent takes without a reader.
          for (let i = 0; ; i++) yield `${i} `.repeat(1000);
        } finally {
          ended.resolve();
        }
      })(),
    );
    await rows.complete();
    rows.release();
    await soon("the end of the source", ended.promise);
    await soon("the end of the channel", rows.done);
    await until("the channel is gone", () => cluster.files().length === 0);
  }, 60_000);
});

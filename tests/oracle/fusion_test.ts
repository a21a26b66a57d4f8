/** G10: what fuses, what cuts, and that explain() shows what runs. */
import { describe, expect, test } from "bun:test";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import type { Dataset } from "../../core/graph/dataset.ts";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";

interface Shape {
  readonly build: (f: FlowBuilder) => Dataset<unknown>;
  /** Tasks of each group that runs, in order. */
  readonly tasks: readonly number[];
}

const chain = (f: FlowBuilder, shards: number) =>
  f
    .range(100, { shards })
    .map((n) => n + 1)
    .filter((n) => n > 3)
    .flatMap((n) => [n, -n])
    .keyBy((n) => n % 5)
    .mapValues((n) => n / 2);

const SHAPES: Readonly<Record<string, Shape>> = {
  "a chain over 7 shards is 7 tasks": { build: (f) => chain(f, 7), tasks: [7] },
  "a chain over 1 shard is 1 task": { build: (f) => chain(f, 1), tasks: [1] },
  "N→M cuts": {
    build: (f) =>
      chain(f, 7)
        .repartition(3)
        .map(([, n]) => n),
    tasks: [7, 3],
  },
  "a sort into one shard cuts": { build: (f) => chain(f, 7).sortByKey({ shards: 1 }), tasks: [7, 1] },
  "a fork cuts, and so does a union": {
    build: (f) => {
      const forked = chain(f, 4);
      return forked
        .map(([key]) => key)
        .union(forked.values().map((n) => n + 1))
        .map((n) => n * 2);
    },
    tasks: [4, 4, 4, 8],
  },
  "a join cuts, and what follows it fuses": {
    build: (f) =>
      chain(f, 4)
        .join(f.values<[number, string]>([[1, "x"]], { shards: 2 }), { strategy: "hash" })
        .map(([key]) => key)
        .filter((key) => key > 0),
    tasks: [4, 2, 1],
  },
  "a keyed operation on what is partitioned by key already does not cut": {
    build: (f) =>
      chain(f, 4)
        .partitionByKey(3)
        .reduceByKey((a, b) => a + b)
        .mapValues((n) => n + 1),
    tasks: [4, 3],
  },
};

const shape = flow("oracle-shape", (f, p: { name: string }) => SHAPES[p.name].build(f));
const explained = flow("oracle-explained", (f, p: { name: string }) =>
  f.values([SHAPES[p.name].build(f).explain()]),
);

describe("G10", () => {
  test.each(Object.entries(SHAPES))("%s", async (name, { tasks }) => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const execution = cluster.job.start(shape, { name });
    await execution.done;
    expect(execution.progress?.groups.map((group) => group.tasks)).toEqual([...tasks]);
    const [text] = await (await cluster.job.execute(explained, { name })).collect();
    const shown = [...text.matchAll(/^Group \d+: (\d+) tasks?/gm)].map(([, count]) => Number(count));
    expect(shown).toEqual([...tasks]);
  });

  test("closures of a chain run in one pass: each row goes through all before the next one", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const seen: string[] = [];
    await cluster.collect((f) =>
      f
        .range(3, { shards: 1 })
        .tap((n) => seen.push(`a${n}`))
        .map((n) => n)
        .tap((n) => seen.push(`b${n}`)),
    );
    expect(seen).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
  });
});

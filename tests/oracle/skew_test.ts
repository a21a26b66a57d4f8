/**
 * G1: joins, sorts and placements with hot keys, with shards divided among tasks down to single rows, against plain
 * arrays; and whatever reads a divided dataset.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import type { Dataset } from "../../core/graph/dataset.ts";
import { flow } from "../../core/program/flow.ts";
import type { DatasetHandle } from "../../net/driver/handle.ts";
import { Cluster } from "./cluster.ts";
import { datasetOf, type Parts, partsOf } from "./data.ts";
import { SEED } from "./grid.ts";
import { cogroups, exactText, groups, multiset, pairs, sorted } from "./plain.ts";

type Pair = [string, number];
type Sides = readonly [left: Parts<Pair>, right: Parts<Pair>];

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "luciole-skew-"));
  cluster = await Cluster.open({ agents: 2, slots: 2, minShareBytes: 1 });
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const RUNS = { seed: SEED, numRuns: 12, interruptAfterTimeLimit: 30_000 };
/** One key has most of the rows. */
const hotKey = fc.oneof(
  { arbitrary: fc.constant("hot"), weight: 8 },
  { arbitrary: fc.integer({ min: 0, max: 12 }).map((n) => `cold ${n}`), weight: 2 },
);
const coldKey = fc.oneof(
  fc.constant("hot"),
  fc.integer({ min: 0, max: 16 }).map((n) => `cold ${n}`),
);
const value = fc.integer({ min: 0, max: 99 });
const hot = (shards: number) => partsOf(fc.tuple(hotKey, value), shards, 400);
const cold = (shards: number) => partsOf(fc.tuple(coldKey, value), shards, 30);
const sides: fc.Arbitrary<Sides> = fc.oneof(
  fc.tuple(hot(9), cold(2)),
  fc.tuple(cold(2), hot(9)),
  fc.tuple(hot(5), hot(4)),
);

function joined(
  [left, right]: Sides,
  how: "join" | "leftJoin" | "rightJoin" | "fullJoin",
): [string, unknown][] {
  const keepsLeft = how === "leftJoin" || how === "fullJoin";
  const keepsRight = how === "rightJoin" || how === "fullJoin";
  const orAbsent = (values: readonly number[], may: boolean) =>
    values.length === 0 && may ? [undefined] : values;
  return cogroups(left.flat(), right.flat()).flatMap(([key, [lefts, rights]]) =>
    orAbsent(lefts, keepsRight).flatMap((a) =>
      orAbsent(rights, keepsLeft).map((b): [string, unknown] => [key, [a, b]]),
    ),
  );
}

const KINDS = ["join", "leftJoin", "rightJoin", "fullJoin"] as const;

describe(`G1 skew, seed ${SEED}`, () => {
  test.each(["hash", "sort-merge"] as const)(
    "%s joins of every kind with a hot key equal nested loops",
    (strategy) =>
      fc.assert(
        fc.asyncProperty(sides, async (data) => {
          const results = await cluster.collectAll((f) => {
            const [left, right] = [datasetOf(f, data[0]), datasetOf(f, data[1])];
            return Object.fromEntries(KINDS.map((kind) => [kind, left[kind](right, { strategy })]));
          });
          for (const kind of KINDS) {
            expect({ kind, rows: pairs(results[kind] as [unknown, unknown][]) }).toEqual({
              kind,
              rows: pairs(joined(data, kind)),
            });
          }
        }),
        RUNS,
      ),
  );

  test("what follows a divided join gets all rows once, whatever it is", () =>
    fc.assert(
      fc.asyncProperty(fc.tuple(hot(9), cold(2)), async (data) => {
        const results = await cluster.collectAll((f) => {
          const joins = () => datasetOf(f, data[0]).join(datasetOf(f, data[1]), { strategy: "hash" });
          const rows = joins().map(([key, [a, b]]): [number, string] => [a + b, key]);
          return {
            sums: rows.mapValues((key) => key.length).reduceByKey((a, b) => a + b),
            byKey: joins()
              .mapValues(([a, b]) => a * b)
              .reduceByKey((a, b) => a + b),
            count: rows.count(),
            sortedKeys: joins().sortByKey().keys(),
            numbered: rows.zipWithIndex().map(([, index]) => index),
            united: rows.union(rows.filter(([n]) => n % 2 === 0)),
            fewer: rows.coalesce(2),
            largest: rows.keys().top(5),
            some: rows.limit(7),
            broadcast: rows.join(datasetOf(f, [[[3, "three"] as [number, string]]]), {
              strategy: "broadcast",
            }),
          };
        });
        const rows = joined([data[0], data[1]], "join") as [string, [number, number]][];
        const plain = rows.map(([key, [a, b]]): [number, string] => [a + b, key]);
        const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
        expect(pairs(results.sums)).toEqual(
          pairs(groups(plain).map(([n, keys]) => [n, total(keys.map((key) => key.length))])),
        );
        expect(pairs(results.byKey)).toEqual(
          pairs(groups(rows).map(([key, values]) => [key, total(values.map(([a, b]) => a * b))])),
        );
        expect(results.count).toEqual([rows.length]);
        expect(results.sortedKeys).toEqual(sorted(rows, ([key]) => key).map(([key]) => key));
        expect(results.numbered).toEqual(plain.map((_, index) => index));
        expect(multiset(results.united)).toEqual(multiset([...plain, ...plain.filter(([n]) => n % 2 === 0)]));
        expect(multiset(results.fewer)).toEqual(multiset(plain));
        expect(results.largest).toEqual(
          plain
            .map(([n]) => n)
            .sort((a, b) => b - a)
            .slice(0, 5),
        );
        expect(results.some).toHaveLength(Math.min(7, plain.length));
        expect(pairs(results.broadcast)).toEqual(
          pairs(plain.filter(([n]) => n === 3).map(([n, key]) => [n, [key, "three"]])),
        );
      }),
      RUNS,
    ));

  test("sorts with a hot key are stable, and have the shards that were asked for", () =>
    fc.assert(
      fc.asyncProperty(hot(7), fc.boolean(), fc.constantFrom(2, 5), async (data, descending, shards) => {
        const { handle, rows } = await keptOf((f) => datasetOf(f, data).sortByKey({ descending, shards }));
        expect(rows.map(exactText)).toEqual(sorted(data.flat(), ([key]) => key, descending).map(exactText));
        expect(handle.shards).toBe(shards);
        // Equal keys share a shard, though not a task: what relies on it needs no exchange.
        const parts = await shardsOf(handle);
        expect(parts.flat().map(exactText)).toEqual(rows.map(exactText));
        const homes = parts.flatMap((part, shard) =>
          [...new Set(part.map(([key]) => key))].map((key) => [key, shard]),
        );
        expect(new Set(homes.map(([key]) => key)).size).toBe(homes.length);
        handle.release();
        const sums = await cluster.collect((f) =>
          datasetOf(f, data)
            .sortByKey({ descending, shards })
            .reduceByKey((a, b) => a + b),
        );
        expect(pairs(sums)).toEqual(
          pairs(groups(data.flat()).map(([key, values]) => [key, values.reduce((a, b) => a + b, 0)])),
        );
      }),
      RUNS,
    ));

  test("partitionBy() and partitionByKey() keep their shards when most rows are in one", () =>
    fc.assert(
      fc.asyncProperty(hot(7), async (data) => {
        const { handle } = await keptOf((f) =>
          datasetOf(f, data)
            .partitionBy(([key]) => (key === "hot" ? 2 : key.length % 4), 4)
            .map(([key, n]): Pair => [key, n + 1]),
        );
        const parts = await shardsOf(handle);
        const expected = [0, 1, 2, 3].map((shard) =>
          data
            .flat()
            .filter(([key]) => (key === "hot" ? 2 : key.length % 4) === shard)
            .map(([key, n]) => [key, n + 1]),
        );
        expect(parts.map((part) => part.map(exactText))).toEqual(expected.map((part) => part.map(exactText)));
        handle.release();
      }),
      RUNS,
    ));

  test("a sink of a divided sort writes its rows in the order of its files, and as many files as were asked for", async () => {
    await fc.assert(
      fc.asyncProperty(hot(7), fc.constantFrom(undefined, 3), async (data, shards) => {
        const path = join(folder, "sorted");
        const lines = (f: FlowBuilder) =>
          datasetOf(f, data)
            .sortByKey(shards === undefined ? {} : { shards })
            .writeText(path, ([key, n]) => `${key} ${n}`, { overwrite: true });
        const { files } = await cluster.write(lines);
        const text = files.map((file) => readFileSync(join(path, file), "utf8")).join("");
        expect(text).toBe(
          sorted(data.flat(), ([key]) => key)
            .map(([key, n]) => `${key} ${n}\n`)
            .join(""),
        );
        if (shards !== undefined) expect(files).toHaveLength(shards);
      }),
      RUNS,
    );
  });
});

const builders: ((f: FlowBuilder) => Dataset<Pair>)[] = [];
const kept = flow("oracle-skew", (f, p: { builder: number }) => builders[p.builder](f));
const parted = flow("oracle-skew-shards", (f, p: { rows: DatasetHandle<Pair> }) =>
  f.from(p.rows).mapShards(async function* (rows) {
    const list: Pair[] = [];
    for await (const row of rows) list.push(row);
    yield list;
  }),
);

/** A dataset that stays stored, and its rows. */
async function keptOf(build: (f: FlowBuilder) => Dataset<Pair>) {
  const handle = await cluster.job.execute(kept, { builder: builders.push(build) - 1 });
  return { handle, rows: await handle.collect() };
}

/** The rows of each shard, as a task that reads the shard sees them. */
async function shardsOf(rows: DatasetHandle<Pair>): Promise<Pair[][]> {
  const handle = await cluster.job.execute(parted, { rows });
  const parts = await handle.collect();
  handle.release();
  return parts;
}

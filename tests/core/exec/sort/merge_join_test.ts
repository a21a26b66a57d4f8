/** Tests of the sort-merge join against two nested loops. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { runMergeJoin } from "../../../../core/exec/sort/merge_join.ts";
import { compareValues, equalValues } from "../../../../core/key/compare.ts";
import type { Head } from "../../../../core/plan/physical.ts";
import { keyLists } from "./arbitrary_keys.ts";
import { batchesOf, Collector, type FakeTask, fakeTask, pieceOf } from "./fake_task.ts";

type How = (Head & { readonly kind: "join" })["how"];
type Pair = readonly [unknown, unknown];

function oracle(left: readonly Pair[], right: readonly Pair[], how: How): unknown[] {
  const joined: unknown[] = [];
  const hasKey = (pairs: readonly Pair[], key: unknown) => pairs.some(([other]) => equalValues(other, key));
  if (how === "cogroup") {
    const keys: unknown[] = [];
    for (const [key] of [...left, ...right]) {
      if (!keys.some((other) => equalValues(other, key))) keys.push(key);
    }
    const valuesOf = (pairs: readonly Pair[], key: unknown) =>
      pairs.filter(([other]) => equalValues(other, key)).map(([, value]) => value);
    return keys.map((key) => [key, [valuesOf(left, key), valuesOf(right, key)]]);
  }
  for (const [key, value] of left) {
    for (const [other, more] of right) if (equalValues(key, other)) joined.push([key, [value, more]]);
    if (how !== "inner" && how !== "right" && !hasKey(right, key)) joined.push([key, [value, undefined]]);
  }
  for (const [key, value] of right) {
    if (how !== "inner" && how !== "left" && !hasKey(left, key)) joined.push([key, [undefined, value]]);
  }
  return joined;
}

async function join(
  left: readonly Pair[],
  right: readonly Pair[],
  how: How,
  options: { memoryBytes: number; batchRows: number },
): Promise<{ rows: unknown[]; fake: FakeTask }> {
  const shards = new Map([
    ["l", batchesOf(left, options.batchRows)],
    ["r", batchesOf(right, options.batchRows)],
  ]);
  const fake = fakeTask({
    specs: [{ kind: "join", how: "inner", strategy: "sort-merge" }],
    memoryBytes: options.memoryBytes,
    shards,
    isRemote: true,
    input: { pieces: [[pieceOf("l")], [pieceOf("r")]] },
  });
  const edge = { from: { kind: "group", group: 0 }, mode: "partition" } as const;
  const collector = new Collector();
  const head = { kind: "join", node: 0, how, strategy: "sort-merge", left: edge, right: edge } as const;
  await runMergeJoin(fake.scope, head, collector);
  expect(fake.openFiles()).toBe(0);
  expect(fake.openReaders()).toBe(0);
  return { rows: collector.rows, fake };
}

/** Keys that are equal may be written as 0 or -0, so rows are put in order by value. */
const ordered = (rows: readonly unknown[]) => [...rows].sort(compareValues);
const isSame = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && ordered(a).every((row, i) => compareValues(row, ordered(b)[i]) === 0);

test("runMergeJoin() gives what nested loops give when keys are of any kind", async () => {
  await fc.assert(
    fc.asyncProperty(
      keyLists,
      keyLists,
      fc.constantFrom<How>("inner", "left", "right", "full", "cogroup"),
      fc.constantFrom(3000, 1 << 20),
      async (some, others, how, memoryBytes) => {
        // Keys that are on both sides, keys of one side only, and duplicates on both.
        const left = some.concat(others.slice(0, 9)).map((key, i): Pair => [key, i]);
        const right = others.concat(some.slice(0, 5)).map((key, i): Pair => [key, `v${i}`]);
        const { rows } = await join(left, right, how, { memoryBytes, batchRows: 16 });
        expect(isSame(rows, oracle(left, right, how))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("runMergeJoin() joins a key that is larger than memory when both sides repeat it", async () => {
  const left = Array.from({ length: 30 }, (_, i): Pair => ["hot", i]);
  const right = Array.from({ length: 20_000 }, (_, i): Pair => ["hot", i]);
  const { rows, fake } = await join(left, right, "inner", { memoryBytes: 60_000, batchRows: 500 });
  expect(rows).toHaveLength(600_000);
  const sums = (rows as [string, [number, number]][]).reduce((sum, [, [a, b]]) => sum + a * 20_000 + b, 0);
  expect(sums).toBe((600_000 * 599_999) / 2);
  expect(fake.scope.totals.spilledBytes).toBeGreaterThan(20_000 * 8);
});

test("runMergeJoin() keeps unmatched rows when the other side is empty", async () => {
  const pairs = Array.from({ length: 40_000 }, (_, i): Pair => [i % 30_000, i]);
  const options = { memoryBytes: 8 << 20, batchRows: 5000 };
  expect((await join(pairs, [], "full", options)).rows).toHaveLength(40_000);
  expect((await join([], pairs, "right", options)).rows).toHaveLength(40_000);
  expect((await join([], pairs, "cogroup", options)).rows).toHaveLength(30_000);
  expect((await join([], pairs, "left", options)).rows).toEqual([]);
});

test("runMergeJoin() names the join when rows are no pairs", async () => {
  const rows = [1, 2, 3] as unknown as Pair[];
  await expect(join(rows, rows, "inner", { memoryBytes: 1 << 20, batchRows: 2 })).rejects.toThrow(
    "Cannot run join: shard 3: Cannot take the key of a row",
  );
});
